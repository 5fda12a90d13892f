import { setImmediate } from 'node:timers/promises'
import type { TenantTables } from './tables.js'

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
    const rows = await removeSome(tables, aged)
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

async function removeSome(tables: TenantTables, aged: Aged): Promise<number> {
  if (aged.table === 'event_counts') return removeMinutes(tables, aged.beforeMinute)
  if (aged.table === 'event_batches') return removeBatches(tables, aged.before)
  if (aged.table === 'events') return removeEvents(tables, aged.beforeDay)
  return removeDays(tables, aged.table, aged.beforeDay)
}

/** Whole minutes: each has a row for a post and kind at most. */
async function removeMinutes(tables: TenantTables, before: number): Promise<number> {
  const old = tables.eventCounts().select('minute').where('minute', '<', before)
  const rows = await old.orderBy('minute').limit(ROWS_PER_STATEMENT).execute()
  const last = rows.at(-1)
  if (last === undefined) return 0
  return changed(await tables.remove('event_counts').where('minute', '<=', last.minute).executeTakeFirst())
}

async function removeDays(tables: TenantTables, table: 'event_days' | 'event_visitors', before: number): Promise<number> {
  const first =
    table === 'event_days'
      ? await tables.eventDays().select('day').where('day', '<', before).orderBy('day').limit(1).executeTakeFirst()
      : await tables.eventVisitors().select('day').where('day', '<', before).orderBy('day').limit(1).executeTakeFirst()
  if (first === undefined) return 0
  return changed(await tables.remove(table).where('day', '<=', first.day).executeTakeFirst())
}

async function removeEvents(tables: TenantTables, before: number): Promise<number> {
  const old = tables.events().select(['day', 'id']).where('day', '<', before)
  const first = await old.orderBy('day').orderBy('id').limit(1).executeTakeFirst()
  if (first === undefined) return 0
  const { day, id } = first
  const ofDay = tables.remove('events').where('day', '=', day)
  return changed(await ofDay.where('id', '<', id + ROWS_PER_STATEMENT).executeTakeFirst())
}

async function removeBatches(tables: TenantTables, before: number): Promise<number> {
  const old = tables.eventBatches().select('batch_id').where('applied_at', '<', before)
  const ids = (await old.limit(ROWS_PER_STATEMENT).execute()).map(row => row.batch_id)
  if (ids.length === 0) return 0
  return changed(await tables.remove('event_batches').where('batch_id', 'in', ids).executeTakeFirst())
}

function changed({ numDeletedRows }: { readonly numDeletedRows: bigint }): number {
  return Number(numDeletedRows)
}
