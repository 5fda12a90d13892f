import { chunksOf } from '../kernel/chunks.js'
import type { TenantTables } from '../tenants/tables.js'
import { ALL_POSTS } from './aggregate.js'
import { decodeSketch, estimate, mergeSketches, type Sketch } from './hyperloglog.js'
import type { ReportQuery } from './report-query.js'

/** Days times posts of one look: a sketch for each kind of them, up to 3 KB each. Of many more MariaDB would not follow the key to the posts. */
const PLACES_PER_LOOK = 2_000

/** What visitors are merged by. */
type Group = 'day' | 'kind' | 'post_id'

/** Reads sketches of the days and the kind of a query, some at a time, and merges them by the group. */
export async function visitorsBy(
  tables: TenantTables,
  query: ReportQuery,
  group: Group,
  posts: readonly number[] | 'all',
): Promise<MergedVisitors> {
  const { from, to, kind } = query
  const asked = posts === 'all' ? [ALL_POSTS] : posts
  const merged = new MergedVisitors()
  const days = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  for (const somePosts of chunksOf(asked, PLACES_PER_LOOK)) {
    for (const someDays of chunksOf(days, Math.max(1, Math.floor(PLACES_PER_LOOK / somePosts.length)))) {
      // Days and posts by name: the key leads to each of them, past the sketches of all other posts.
      let sketches = tables.eventVisitors().where('day', 'in', someDays).where('post_id', 'in', somePosts)
      if (kind !== null) sketches = sketches.where('kind', '=', kind)
      const rows = await sketches.select([`${group} as key` as const, 'sketch']).execute()
      for (const row of rows) merged.add(row.key, decodeSketch(row.sketch))
    }
  }
  return merged
}

/** Visitors of the days, kinds or posts that they were merged by. */
export class MergedVisitors {
  private readonly sketches = new Map<number | string, Sketch>()

  add(key: number | string, sketch: Sketch): void {
    const before = this.sketches.get(key)
    this.sketches.set(key, before === undefined ? sketch : mergeSketches(before, sketch))
  }

  /** About so many; 0 for a key that has none. */
  of(key: number | string): number {
    const sketch = this.sketches.get(key)
    return sketch === undefined ? 0 : estimate(sketch)
  }

  total(): number {
    const [first, ...others] = this.sketches.values()
    return first === undefined ? 0 : estimate(others.reduce(mergeSketches, first))
  }
}
