import { Failure } from '../../kernel/errors.js'
import { insertRows, type TenantSchema } from '../databases/index.js'
import { whileHeld } from './holding.js'
import {
  deleteKeys,
  deleteRange,
  digestOf,
  type Key,
  keyBehind,
  keyIn,
  type Place,
  type Range,
  type Row,
  readRows,
  textOf,
} from './rows.js'
import { MOVED_TABLES, type MovedTable } from './shapes.js'

/** Rows that are in memory at a time, from either side. */
const COPIED_ROWS = { posts: 400, other: 2_000 }
/** Rows that one digest is made of. */
const VERIFIED_ROWS = { mysql: 20_000, sqlite: 2_000 }
/** Keys of one statement that deletes. */
const DELETED_KEYS = 100
const CLEARED_ROWS = 5_000

/** A tenant's rows on their way: from where it lives to where `holder` holds its rows. */
export interface Way {
  readonly from: Place
  readonly to: Place
  readonly holder: number
  readonly signal: AbortSignal
}

/** How far a copy is, per table: the last key whose rows are there, or `end`. A table that was not begun is missing. */
export type Progress = { [Table in MovedTable]?: Key | 'end' }

/**
 * Brings the other side alike, table by table in key order, going on where `progress` says. What is written meanwhile may be missed: `verifyRows` finds it.
 * `note` is called after each portion, with the rows it had.
 */
export async function copyRows(
  way: Way,
  progress: Progress,
  note: (now: Progress, rows: number) => Promise<void>,
): Promise<void> {
  let reached = progress
  for (const table of MOVED_TABLES) {
    for (let after = reached[table] ?? null; after !== 'end'; ) {
      way.signal.throwIfAborted()
      const limit = copiedAtOnce(table)
      const rows = await readRows(way.from, table, { after, upTo: null }, limit)
      const last = rows.at(-1)
      const upTo = last === undefined || rows.length < limit ? null : keyIn(table, last)
      await align(way, table, { after, upTo }, rows)
      after = upTo ?? 'end'
      reached = { ...reached, [table]: after }
      await note(reached, rows.length)
    }
  }
}

/**
 * Compares both sides by count and digest, range by range, over everything that is there, while nobody writes: what differs is copied anew and compared
 * again. Answers how many rows there are. @throws {Failure} MOVE_MISMATCH when a range cannot be brought alike
 */
export async function verifyRows(way: Way): Promise<number> {
  let rows = 0
  for (const table of MOVED_TABLES) {
    for (let after: Key | null = null, done = false; !done; ) {
      way.signal.throwIfAborted()
      const upTo: Key | null = await keyBehind(way.from, table, after, VERIFIED_ROWS[way.from.database.dialect])
      rows += await verifyRange(way, table, { after, upTo })
      after = upTo
      done = upTo === null
    }
  }
  return rows
}

async function verifyRange(way: Way, table: MovedTable, range: Range): Promise<number> {
  const first = await compare(way, table, range)
  if (first.same) return first.rows
  await alignAll(way, table, range)
  const { same, rows, there } = await compare(way, table, range)
  if (same) return rows
  throw new Failure(
    'MOVE_MISMATCH',
    `${table} of tenant ${way.from.tenantId} differ after they were copied twice: ${rows} rows here, ${there} there`,
    { hint: 'feedctl doctor' },
  )
}

async function compare(way: Way, table: MovedTable, range: Range): Promise<{ same: boolean; rows: number; there: number }> {
  const [here, there] = await Promise.all([digestOf(way.from, table, range), digestOf(way.to, table, range)])
  return { same: here.rows === there.rows && here.digest === there.digest, rows: here.rows, there: there.rows }
}

async function alignAll(way: Way, table: MovedTable, { after, upTo }: Range): Promise<void> {
  for (let from = after; ; ) {
    way.signal.throwIfAborted()
    const limit = copiedAtOnce(table)
    const rows = await readRows(way.from, table, { after: from, upTo }, limit)
    const last = rows.at(-1)
    const isLast = last === undefined || rows.length < limit
    await align(way, table, { after: from, upTo: isLast ? upTo : keyIn(table, last) }, rows)
    if (isLast) return
    from = keyIn(table, last)
  }
}

/** Makes the range on the other side hold these rows and no others, in one transaction; done twice it is calm. */
async function align({ to, holder }: Way, table: MovedTable, range: Range, rows: readonly Row[]): Promise<void> {
  const there = await thereIn(to, holder, table, range, rows.length)
  const wanted = new Map(there.length === 0 ? [] : rows.map(row => [keyText(table, row), textOf(row)]))
  const stale = there.filter(row => wanted.get(keyText(table, row)) !== textOf(row))
  const staleKeys = new Set(stale.map(row => keyText(table, row)))
  const known = new Set(there.map(row => keyText(table, row)).filter(key => !staleKeys.has(key)))
  const missing = known.size === 0 ? rows : rows.filter(row => !known.has(keyText(table, row)))
  if (stale.length === 0 && missing.length === 0) return
  const owned = missing.map(row => ({ tenant_id: to.tenantId as number, ...row }))
  await whileHeld(to, holder, async transaction => {
    const keys = stale.map(row => keyIn(table, row))
    for (let start = 0; start < keys.length; start += DELETED_KEYS)
      await deleteKeys(to, table, keys.slice(start, start + DELETED_KEYS)).execute(transaction)
    // A row that has left its old key, and is not reached there yet, must not keep it out of the new one.
    await insertRows<TenantSchema, MovedTable, Record<string, unknown>>(to.database, table, owned, 'supplant', transaction)
  })
}

/** The rows of the range on the other side; where they are many more than they should be, they are all cleared first. */
async function thereIn(to: Place, holder: number, table: MovedTable, range: Range, wanted: number): Promise<Row[]> {
  const enough = wanted * 2 + COPIED_ROWS.posts
  const rows = await readRows(to, table, range, enough + 1)
  if (rows.length <= enough) return rows
  for (let portion = rows.length; portion > 0; ) {
    const some = await readRows(to, table, range, CLEARED_ROWS)
    const last = some.at(-1)
    portion = last === undefined || some.length < CLEARED_ROWS ? 0 : some.length
    const upTo = portion === 0 ? range.upTo : keyIn(table, last as Row)
    await whileHeld(to, holder, transaction => deleteRange(to, table, { after: range.after, upTo }).execute(transaction))
  }
  return []
}

function copiedAtOnce(table: MovedTable): number {
  return table === 'posts' ? COPIED_ROWS.posts : COPIED_ROWS.other
}

function keyText(table: MovedTable, row: Row): string {
  return JSON.stringify(keyIn(table, row))
}
