import { chunksOf } from '../kernel/chunks.js'
import type { TenantTables } from '../tenants/tables.js'
import { ALL_POSTS } from './aggregate.js'
import { decodeSketch, estimate, mergeSketches, type Sketch } from './hyperloglog.js'
import type { ReportQuery } from './report-query.js'

/** Days times posts of one look: a sketch for each kind of them, up to 3 KB each. */
const SKETCHES_PER_LOOK = 100

/** Visitors of some posts, merged by day, kind and post. */
export interface MergedVisitors {
  total(): number
  byDay(day: number): number
  byKind(kind: string): number
  byPost(post: number): number
}

/** Reads sketches of the days and the kind of a query, few at a time. */
export class VisitorSums {
  constructor(
    private readonly tables: TenantTables,
    private readonly query: ReportQuery,
  ) {}

  async of(posts: readonly number[] | 'all'): Promise<MergedVisitors> {
    const { from, to } = this.query
    const asked = posts === 'all' ? [ALL_POSTS] : posts
    const merged = new Merged()
    const days = Array.from({ length: to - from + 1 }, (_, index) => from + index)
    for (const somePosts of chunksOf(asked, SKETCHES_PER_LOOK)) {
      // Days and posts by name: the key leads to each of them, past the sketches of all other posts.
      for (const someDays of chunksOf(days, Math.max(1, Math.floor(SKETCHES_PER_LOOK / somePosts.length))))
        await this.read(someDays, somePosts, merged)
    }
    return merged
  }

  private async read(days: readonly number[], posts: readonly number[], merged: Merged): Promise<void> {
    const { kind } = this.query
    let sketches = this.tables.eventVisitors().where('day', 'in', days).where('post_id', 'in', posts)
    if (kind !== null) sketches = sketches.where('kind', '=', kind)
    const rows = await sketches.select(['day', 'post_id', 'kind', 'sketch']).execute()
    for (const row of rows) merged.add(row.day, row.kind, row.post_id, decodeSketch(row.sketch))
  }
}

class Merged implements MergedVisitors {
  private all: Sketch | null = null
  private readonly days = new Map<number, Sketch>()
  private readonly kinds = new Map<string, Sketch>()
  private readonly posts = new Map<number, Sketch>()

  add(day: number, kind: string, post: number, sketch: Sketch): void {
    this.all = this.all === null ? sketch : mergeSketches(this.all, sketch)
    put(this.days, day, sketch)
    put(this.kinds, kind, sketch)
    put(this.posts, post, sketch)
  }

  total(): number {
    return this.all === null ? 0 : estimate(this.all)
  }

  byDay(day: number): number {
    return countOf(this.days, day)
  }

  byKind(kind: string): number {
    return countOf(this.kinds, kind)
  }

  byPost(post: number): number {
    return countOf(this.posts, post)
  }
}

function put<Key>(sketches: Map<Key, Sketch>, key: Key, sketch: Sketch): void {
  const before = sketches.get(key)
  sketches.set(key, before === undefined ? sketch : mergeSketches(before, sketch))
}

function countOf<Key>(sketches: ReadonlyMap<Key, Sketch>, key: Key): number {
  const sketch = sketches.get(key)
  return sketch === undefined ? 0 : estimate(sketch)
}
