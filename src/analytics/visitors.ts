import type { TenantWriter } from '../tenants/tenant-writer.js'
import type { Aggregate } from './aggregate.js'
import { decodeSketch, encodeSketch, mergeSketches, type Sketch } from './hyperloglog.js'

const POSTS_PER_LOOK = 1_000
/** A sketch is up to 3 KB. */
const ROWS_PER_WRITE = 1_000

/** A sketch by its number. */
type Changed = readonly [number: number, sketch: Sketch]

/** Merges the sketches with those that are stored, and writes the ones that have seen somebody new. Only under the tenant's writer lock. */
export async function mergeVisitors(tx: TenantWriter, sums: Aggregate): Promise<void> {
  let changed: Changed[] = []
  for (const { day, numbers } of portionsOf(sums.visited)) {
    changed.push(...(await mergedWithStored(tx, sums, day, numbers)))
    if (changed.length < ROWS_PER_WRITE) continue
    await write(tx, sums, changed)
    changed = []
  }
  await write(tx, sums, changed)
}

/** Days and posts that had visitors, some posts of one day at a time, all kinds of a post together. */
function* portionsOf(visited: Aggregate['visited']): Generator<{ day: number; numbers: number[] }> {
  const { newest, before } = byDayAndPost(visited)
  for (const [day, posts] of newest) {
    let [numbers, count]: [number[], number] = [[], 0]
    for (const number of posts.values()) {
      for (let next = number; next >= 0; next = before[next] as number) numbers.push(next)
      if (++count < POSTS_PER_LOOK) continue
      yield { day, numbers }
      numbers = []
      count = 0
    }
    if (count > 0) yield { day, numbers }
  }
}

/** The newest number of each day and post that had visitors; and to each number the one before it of the same day and post, -1 for none. */
function byDayAndPost(visited: Aggregate['visited']): { newest: Map<number, Map<number, number>>; before: Int32Array } {
  const newest = new Map<number, Map<number, number>>()
  const before = new Int32Array(visited.length)
  for (let number = 0; number < visited.length; number++) {
    if (visited.events[number] === 0) continue
    const [day, post] = [visited.times[number] as number, visited.posts[number] as number]
    const posts = newest.get(day) ?? new Map<number, number>()
    before[number] = posts.get(post) ?? -1
    newest.set(day, posts.set(post, number))
  }
  return { newest, before }
}

/** Those that have seen somebody whom the stored ones have not. */
async function mergedWithStored(
  tx: TenantWriter,
  sums: Aggregate,
  day: number,
  numbers: readonly number[],
): Promise<Iterable<Changed>> {
  const { visited } = sums
  const changed = new Map<number, Sketch>(numbers.map(number => [number, sums.sketch(number)]))
  const rows = await tx
    .eventVisitors()
    .select(['post_id', 'kind', 'sketch'])
    .where('day', '=', day)
    .where('post_id', 'in', [...new Set(numbers.map(number => visited.posts[number] as number))])
    .execute()
  for (const row of rows) {
    const number = visited.find(day, sums.numbers.get(row.kind) ?? -1, row.post_id)
    const seen = changed.get(number)
    if (seen === undefined) continue
    const stored = decodeSketch(row.sketch)
    const merged = mergeSketches(stored, seen)
    if (merged === stored) changed.delete(number)
    else changed.set(number, merged)
  }
  return changed
}

function write(tx: TenantWriter, { kinds, visited }: Aggregate, changed: readonly Changed[]): Promise<void> {
  return tx.insertColumns(
    'event_visitors',
    changed.length,
    [
      { name: 'day', values: changed.map(([number]) => visited.times[number] as number) },
      { name: 'post_id', values: changed.map(([number]) => visited.posts[number] as number) },
      { name: 'kind', values: changed.map(([number]) => kinds[visited.kinds[number] as number] ?? '') },
      { name: 'sketch', values: changed.map(([, sketch]) => encodeSketch(sketch)) },
    ],
    { key: ['tenant_id', 'day', 'post_id', 'kind'], replace: ['sketch'] },
  )
}
