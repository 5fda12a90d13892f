import { chunksOf } from '../kernel/chunks.js'
import { asWriter } from '../tenants/as-writer.js'
import type { TenantTables } from '../tenants/tables.js'
import type { TenantWriter } from '../tenants/tenant-writer.js'
import { type Aggregate, aggregate } from './aggregate.js'
import type { EventBatch } from './event-batch.js'
import { insertEvents } from './raw-events.js'
import { mergeVisitors } from './visitors.js'

const BATCHES_PER_LOOK = 1_000

export interface Applied {
  readonly batches: number
  /** Batches that had been counted before, or are there twice. */
  readonly repeated: number
  readonly events: number
}

/**
 * Counts batches of one tenant, all or none, each id once whoever counts it when: the ledger of ids is written in the same transaction. `raw`: keep the single
 * events too. @throws {Failure} UNAVAILABLE
 */
export async function applyBatches(
  tables: TenantTables,
  batches: readonly EventBatch[],
  { raw, now }: { readonly raw: boolean; readonly now: number },
): Promise<Applied> {
  const once = [...new Map(batches.map(batch => [batch.id, batch] as const).reverse()).values()].reverse()
  // Before the lock is taken: hardly ever a batch comes again.
  const expected = await aggregate(once)
  const applied = await asWriter(tables, async tx => {
    const counted = await countedBefore(tx, once)
    const fresh = counted.size === 0 ? once : once.filter(batch => !counted.has(batch.id))
    if (fresh.length === 0) return null
    const sums = fresh === once ? expected : await aggregate(fresh)
    await insertLedger(tx, fresh, now)
    await addCounts(tx, sums)
    await mergeVisitors(tx, sums)
    if (raw) await insertEvents(tx, fresh)
    return { batches: fresh.length, events: sums.events }
  })
  const { batches: fresh, events } = applied ?? { batches: 0, events: 0 }
  return { batches: fresh, repeated: batches.length - fresh, events }
}

async function countedBefore(tx: TenantWriter, batches: readonly EventBatch[]): Promise<Set<string>> {
  const counted = new Set<string>()
  for (const some of chunksOf(batches, BATCHES_PER_LOOK)) {
    const ids = some.map(batch => batch.id)
    const rows = await tx.eventBatches().select('batch_id').where('batch_id', 'in', ids).execute()
    for (const row of rows) counted.add(row.batch_id)
  }
  return counted
}

function insertLedger(tx: TenantWriter, batches: readonly EventBatch[], now: number): Promise<void> {
  return tx.insertColumns('event_batches', batches.length, [
    { name: 'batch_id', values: batches.map(batch => batch.id) },
    { name: 'events', values: batches.map(batch => batch.events.length) },
    { name: 'applied_at', all: now },
  ])
}

async function addCounts(tx: TenantWriter, { kinds, minutes, days }: Aggregate): Promise<void> {
  const columnsOf = (tally: Aggregate['days']) =>
    [
      { name: 'post_id', values: tally.posts },
      { name: 'kind', values: Array.from({ length: tally.length }, (_, number) => kinds[tally.kinds[number] as number] ?? '') },
      { name: 'events', values: tally.events },
    ] as const
  await tx.insertColumns('event_counts', minutes.length, [{ name: 'minute', values: minutes.times }, ...columnsOf(minutes)], {
    key: ['tenant_id', 'minute', 'post_id', 'kind'],
    add: ['events'],
  })
  await tx.insertColumns('event_days', days.length, [{ name: 'day', values: days.times }, ...columnsOf(days)], {
    key: ['tenant_id', 'day', 'post_id', 'kind'],
    add: ['events'],
  })
}
