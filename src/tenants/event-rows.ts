import { setImmediate } from 'node:timers/promises'
import type { TenantTables } from './tables.js'
import type { TenantWriter } from './tenant-writer.js'

const ROWS_PER_STATEMENT = 5_000

/** Rows of events that are older than a time: whole minutes or days since the epoch, of batches epoch ms. */
export type Aged =
  | { readonly table: 'event_counts'; readonly beforeMinute: number }
  | { readonly table: 'event_days' | 'event_visitors' | 'events'; readonly beforeDay: number }
  | { readonly table: 'event_batches'; readonly before: number }

const EVER = Number.MAX_SAFE_INTEGER

/** Deletes them a few thousand at a time, the oldest first; answers how many there were. @throws the signal's reason between two statements */
export async function removeAged(tables: TenantTables, aged: Aged, signal: AbortSignal | null = null): Promise<number> {
  let removed = 0
  for (;;) {
    signal?.throwIfAborted()
    const rows = await tables.transaction(tx => removeSome(tx, aged))
    if (rows === 0) return removed
    removed += rows
    // SQLite works in this thread: signals and timers get their turn here.
    await setImmediate()
  }
}

/** Deletes all that was counted of a tenant that never comes back. */
export async function removeEventRows(tables: TenantTables): Promise<void> {
  await removeAged(tables, { table: 'events', beforeDay: EVER })
  await removeAged(tables, { table: 'event_counts', beforeMinute: EVER })
  await removeAged(tables, { table: 'event_days', beforeDay: EVER })
  await removeAged(tables, { table: 'event_visitors', beforeDay: EVER })
  await removeAged(tables, { table: 'event_batches', before: EVER })
}

async function removeSome(tx: TenantWriter, aged: Aged): Promise<number> {
  if (aged.table === 'event_counts') return removeMinutes(tx, aged.beforeMinute)
  if (aged.table === 'event_batches') return removeBatches(tx, aged.before)
  if (aged.table === 'events') return removeEvents(tx, aged.beforeDay)
  return removeDays(tx, aged.table, aged.beforeDay)
}

/** Whole minutes: each has a row for a post and kind at most. */
async function removeMinutes(tx: TenantWriter, before: number): Promise<number> {
  const old = tx.eventCounts().select('minute').where('minute', '<', before)
  const rows = await old.orderBy('minute').limit(ROWS_PER_STATEMENT).execute()
  const last = rows.at(-1)
  if (last === undefined) return 0
  return changed(await tx.remove('event_counts').where('minute', '<=', last.minute).executeTakeFirst())
}

async function removeDays(tx: TenantWriter, table: 'event_days' | 'event_visitors', before: number): Promise<number> {
  const first =
    table === 'event_days'
      ? await tx.eventDays().select('day').where('day', '<', before).orderBy('day').limit(1).executeTakeFirst()
      : await tx.eventVisitors().select('day').where('day', '<', before).orderBy('day').limit(1).executeTakeFirst()
  if (first === undefined) return 0
  return changed(await tx.remove(table).where('day', '<=', first.day).executeTakeFirst())
}

async function removeEvents(tx: TenantWriter, before: number): Promise<number> {
  const old = tx.events().select(['day', 'id']).where('day', '<', before)
  const first = await old.orderBy('day').orderBy('id').limit(1).executeTakeFirst()
  if (first === undefined) return 0
  const { day, id } = first
  const ofDay = tx.remove('events').where('day', '=', day)
  return changed(await ofDay.where('id', '<', id + ROWS_PER_STATEMENT).executeTakeFirst())
}

async function removeBatches(tx: TenantWriter, before: number): Promise<number> {
  const old = tx.eventBatches().select('batch_id').where('applied_at', '<', before)
  const ids = (await old.limit(ROWS_PER_STATEMENT).execute()).map(row => row.batch_id)
  if (ids.length === 0) return 0
  return changed(await tx.remove('event_batches').where('batch_id', 'in', ids).executeTakeFirst())
}

function changed({ numDeletedRows }: { readonly numDeletedRows: bigint }): number {
  return Number(numDeletedRows)
}
