import { chunksOf } from '../kernel/chunks.js'
import type { TenantTables } from '../tenants/tables.js'
import type { Aggregate } from './aggregate.js'
import { decodeSketch, encodeSketch, mergeSketches, type Sketch } from './hyperloglog.js'

const POSTS_PER_LOOK = 1_000
/** A sketch is up to 3 KB. */
const ROWS_PER_WRITE = 1_000

/** Merges the sketches with those that are stored, and writes the ones that have seen somebody new. Only under the tenant's writer lock. */
export async function mergeVisitors(tx: TenantTables, sums: Aggregate): Promise<void> {
  const changed = await mergedSketches(tx, sums)
  const { kinds, visited } = sums
  for (const some of chunksOf([...changed], ROWS_PER_WRITE)) {
    await tx.insertColumns(
      'event_visitors',
      some.length,
      [
        { name: 'day', values: some.map(([number]) => visited.times[number] as number) },
        { name: 'post_id', values: some.map(([number]) => visited.posts[number] as number) },
        { name: 'kind', values: some.map(([number]) => kinds[visited.kinds[number] as number] ?? '') },
        { name: 'sketch', values: some.map(([, sketch]) => encodeSketch(sketch)) },
      ],
      { key: ['tenant_id', 'day', 'post_id', 'kind'], replace: ['sketch'] },
    )
  }
}

async function mergedSketches(tx: TenantTables, { numbers, visited, sketches }: Aggregate): Promise<Map<number, Sketch>> {
  const changed = new Map<number, Sketch>()
  const postsOf = new Map<number, Set<number>>()
  for (let number = 0; number < visited.length; number++) {
    if (visited.events[number] === 0) continue
    changed.set(number, sketches[number] as Sketch)
    const day = visited.times[number] as number
    const posts = postsOf.get(day) ?? new Set<number>()
    postsOf.set(day, posts.add(visited.posts[number] as number))
  }
  for (const [day, posts] of postsOf) {
    for (const some of chunksOf([...posts], POSTS_PER_LOOK)) {
      const rows = await tx
        .eventVisitors()
        .select(['post_id', 'kind', 'sketch'])
        .where('day', '=', day)
        .where('post_id', 'in', some)
        .execute()
      for (const row of rows) {
        const number = visited.find(day, numbers.get(row.kind) ?? -1, row.post_id)
        const seen = changed.get(number)
        if (seen === undefined) continue
        const stored = decodeSketch(row.sketch)
        const merged = mergeSketches(stored, seen)
        if (merged === stored) changed.delete(number)
        else changed.set(number, merged)
      }
    }
  }
  return changed
}
