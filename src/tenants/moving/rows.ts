import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { OpenDatabase, TenantSchema } from '../databases/index.js'
import type { TenantId } from '../ids.js'
import { columnsOf, isBytes, keyOf, type MovedTable } from './shapes.js'

/** Rows of a digest on SQLite that are in memory at a time. */
const HASHED_ROWS = 1_000

/** The rows of one tenant in one database. */
export interface Place {
  readonly database: OpenDatabase<TenantSchema>
  readonly tenantId: TenantId
}

export type Value = number | string | Uint8Array | null
/** A row without its tenant, verbatim. */
export type Row = Readonly<Record<string, Value>>
/** The values of a row's key behind `tenant_id`. */
export type Key = readonly (number | string)[]

/** The rows behind the one key up to and with the other; null is without a bound. */
export interface Range {
  readonly after: Key | null
  readonly upTo: Key | null
}

/** How many rows, and a digest that is the same only for the same rows. */
export interface Digest {
  readonly rows: number
  readonly digest: string
}

/** Rows of the range in key order, `limit` at most. */
export async function readRows(place: Place, table: MovedTable, range: Range, limit: number): Promise<Row[]> {
  const columns = sql.raw(columnsOf(table).map(quoted(place)).join(', '))
  const query = sql<Row>`select ${columns} from ${nameOf(place, table)} where ${within(place, table, range)} order by ${keyColumns(place, table)} limit ${sql.lit(limit)}`
  return (await query.execute(place.database.kysely)).rows
}

/** Key of the `count`-th row behind `after`; null when there are not so many. */
export async function keyBehind(place: Place, table: MovedTable, after: Key | null, count: number): Promise<Key | null> {
  const keys = keyColumns(place, table)
  const query = sql<Row>`select ${keys} from ${nameOf(place, table)} where ${within(place, table, { after, upTo: null })} order by ${keys} limit 1 offset ${sql.lit(count - 1)}`
  const [row] = (await query.execute(place.database.kysely)).rows
  return row === undefined ? null : keyIn(table, row)
}

export async function countRows(place: Place, table: MovedTable): Promise<number> {
  const all = within(place, table, { after: null, upTo: null })
  const query = sql<{ found: number | string }>`select count(*) as found from ${nameOf(place, table)} where ${all}`
  return Number((await query.execute(place.database.kysely)).rows[0]?.found)
}

/** Two digests can be compared when both are of the same kind of database. On MySQL no row leaves the server. */
export function digestOf(place: Place, table: MovedTable, range: Range): Promise<Digest> {
  return place.database.dialect === 'mysql' ? digestThere(place, table, range) : digestHere(place, table, range)
}

/** `quote` tells null from 'NULL', and where a value ends; of 128 bits of each row, no two rows are likely to make up for each other. */
async function digestThere(place: Place, table: MovedTable, range: Range): Promise<Digest> {
  const values = columnsOf(table).map(column => (isBytes(table, column) ? `quote(hex(\`${column}\`))` : `quote(\`${column}\`)`))
  const half = (start: number) => sql.raw(`hex(bit_xor(cast(conv(substring(hash, ${start}, 16), 16, 10) as unsigned)))`)
  const query = sql<{
    found: number | string
    high: string
    low: string
  }>`select count(*) as found, ${half(1)} as high, ${half(17)} as low
    from (select md5(concat_ws(',', ${sql.raw(values.join(', '))})) as hash from ${nameOf(place, table)} where ${within(place, table, range)}) as hashes`
  const [row] = (await query.execute(place.database.kysely)).rows
  return { rows: Number(row?.found), digest: `${row?.high}-${row?.low}` }
}

async function digestHere(place: Place, table: MovedTable, { after, upTo }: Range): Promise<Digest> {
  const hash = createHash('sha256')
  let rows = 0
  for (let from = after; ; ) {
    const page = await readRows(place, table, { after: from, upTo }, HASHED_ROWS)
    for (const row of page) hash.update(textOf(row)).update('\n')
    rows += page.length
    const last = page.at(-1)
    if (last === undefined || page.length < HASHED_ROWS) return { rows, digest: hash.digest('hex') }
    from = keyIn(table, last)
  }
}

/** Two rows of a table are the same when their texts are. */
export function textOf(row: Row): string {
  return JSON.stringify(
    Object.values(row).map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)),
  )
}

export function keyIn(table: MovedTable, row: Row): Key {
  return keyOf(table).map(column => row[column] as number | string)
}

/** Deletes the rows with these keys, few enough for one statement. */
export function deleteKeys(place: Place, table: MovedTable, keys: readonly Key[]): RawBuilder<unknown> {
  const columns = keyOf(table).map(column => sql.raw(quoted(place)(column)))
  const matches = keys.map(
    key =>
      sql`(${sql.join(
        columns.map((column, index) => sql`${column} = ${key[index]}`),
        sql` and `,
      )})`,
  )
  return sql`delete from ${nameOf(place, table)} where ${ofTenant(place)} and (${sql.join(matches, sql` or `)})`
}

export function deleteRange(place: Place, table: MovedTable, range: Range): RawBuilder<unknown> {
  return sql`delete from ${nameOf(place, table)} where ${within(place, table, range)}`
}

function nameOf({ database }: Place, table: MovedTable): RawBuilder<unknown> {
  return sql.raw(database.qualify(table))
}

function keyColumns(place: Place, table: MovedTable): RawBuilder<unknown> {
  return sql.raw(keyOf(table).map(quoted(place)).join(', '))
}

function quoted({ database }: Place): (column: string) => string {
  return database.dialect === 'mysql' ? column => `\`${column}\`` : column => `"${column}"`
}

function ofTenant({ tenantId }: Place): RawBuilder<unknown> {
  return sql`tenant_id = ${tenantId}`
}

function within(place: Place, table: MovedTable, { after, upTo }: Range): RawBuilder<unknown> {
  const columns = keyOf(table).map(quoted(place))
  const conditions = [ofTenant(place)]
  if (after !== null) conditions.push(beside(columns, after, '>', '>'))
  if (upTo !== null) conditions.push(beside(columns, upTo, '<', '<='))
  return sql.join(conditions, sql` and `)
}

/** Rows on one side of a key, spelled out: MySQL uses no index for a comparison of tuples. */
function beside(columns: readonly string[], key: Key, side: '<' | '>', last: '<=' | '>'): RawBuilder<unknown> {
  const [column = '', ...others] = columns
  const [value, ...rest] = key
  const name = sql.raw(column)
  if (others.length === 0) return sql`${name} ${sql.raw(last)} ${value}`
  return sql`(${name} ${sql.raw(side)} ${value} or (${name} = ${value} and ${beside(others, rest, side, last)}))`
}
