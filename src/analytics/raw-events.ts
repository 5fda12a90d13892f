import type { TenantWriter } from '../tenants/tenant-writer.js'
import { DAY_MS } from './aggregate.js'
import type { EventBatch } from './event-batch.js'

/** Rows whose columns are in memory at once. */
const EVENTS_PER_WRITE = 20_000

/** Every number below 65,536 as four hex digits. */
let hex: readonly string[] | null = null

/** Keeps every event of the batches as it came. Only in the transaction that counts them. */
export async function insertEvents(tx: TenantWriter, batches: readonly EventBatch[]): Promise<void> {
  let id = await tx.takeIds(
    'events',
    batches.reduce((sum, batch) => sum + batch.events.length, 0),
  )
  for (const group of groupsOf(batches)) {
    const columns = columnsOf(group, id)
    await tx.insertColumns('events', columns.ids.length, [
      { name: 'day', values: columns.days },
      { name: 'id', values: columns.ids },
      { name: 'at', values: columns.at },
      { name: 'kind', values: columns.kinds },
      { name: 'post_id', values: columns.posts },
      { name: 'visitor', values: columns.visitors },
      { name: 'extra', values: columns.extras },
    ])
    id += columns.ids.length
  }
}

function* groupsOf(batches: readonly EventBatch[]): Generator<EventBatch[]> {
  let group: EventBatch[] = []
  let events = 0
  for (const batch of batches) {
    group.push(batch)
    events += batch.events.length
    if (events < EVENTS_PER_WRITE) continue
    yield group
    group = []
    events = 0
  }
  if (group.length > 0) yield group
}

function columnsOf(batches: readonly EventBatch[], firstId: number) {
  const length = batches.reduce((sum, batch) => sum + batch.events.length, 0)
  const [days, ids, at, posts] = [
    new Int32Array(length),
    new Float64Array(length),
    new Float64Array(length),
    new Float64Array(length),
  ]
  const [kinds, visitors, extras]: [string[], (string | null)[], (string | null)[]] = [[], [], []]
  let row = 0
  for (const { events } of batches) {
    for (let index = 0; index < events.length; index++, row++) {
      const when = events.at[index] as number
      days[row] = Math.floor(when / DAY_MS)
      ids[row] = firstId + row
      at[row] = when
      posts[row] = events.post[index] as number
      kinds.push(events.kinds[events.kind[index] as number] as string)
      visitors.push(visitorOf(events.visitorHigh[index] as number, events.visitorLow[index] as number))
      extras.push(events.extras?.[index] ?? null)
    }
  }
  return { days, ids, at, posts, kinds, visitors, extras }
}

function visitorOf(high: number, low: number): string | null {
  if (high === 0 && low === 0) return null
  hex ??= Array.from({ length: 2 ** 16 }, (_, number) => number.toString(16).padStart(4, '0'))
  return `${hex[high >>> 16]}${hex[high & 0xffff]}${hex[low >>> 16]}${hex[low & 0xffff]}`
}
