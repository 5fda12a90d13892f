import { CompiledQuery, type Kysely } from 'kysely'
import type { OpenDatabase } from './driver.js'

/**
 * What an insert does with a row whose key is there: fail the statement, keep the old row, put the new one in the place of every row that it meets by any
 * unique key (`supplant`), or replace the named columns of it, add to them, or keep
 * the lesser or greater of both.
 */
export type OnDuplicate<Row> =
  | 'fail'
  | 'keep'
  | 'supplant'
  | {
      readonly key: readonly (keyof Row & string)[]
      readonly replace?: readonly (keyof Row & string)[]
      readonly add?: readonly (keyof Row & string)[]
      readonly least?: readonly (keyof Row & string)[]
      readonly greatest?: readonly (keyof Row & string)[]
    }

const MAX_CHARACTERS = 200_000
/**
 * Rows of one statement. MySQL wants few and long ones (at most 65,535 values). SQLite keeps statements prepared, and a long one
 * holds memory by the megabyte in every open file: it gets a few short ones that are used again and again.
 */
export const ROWS_PER_STATEMENT = { mysql: [2_000], sqlite: [16, 4, 1] }

/**
 * Inserts rows of one shape with few statements, each of at most about 200,000 characters. All rows must have the same keys; none is no statement.
 * Not atomic over several statements: pass a transaction's `executor` where it must be.
 */
export async function insertRows<
  Schema,
  Table extends keyof Schema & string,
  Row extends Partial<Record<keyof Schema[Table] & string, unknown>>,
>(
  database: OpenDatabase<Schema>,
  table: Table,
  rows: readonly Row[],
  onDuplicate: OnDuplicate<Row> = 'fail',
  executor: Kysely<Schema> = database.kysely,
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}) as (keyof Row & string)[]
  const [head, tail] = wordsAround(database, table, columns, onDuplicate)
  const tuple = `(${columns.map(() => '?').join(', ')})`
  for (const chunk of chunksOf(rows, columns, ROWS_PER_STATEMENT[database.dialect])) {
    const text = head + new Array(chunk.length).fill(tuple).join(', ') + tail
    await executor.executeQuery(
      CompiledQuery.raw(
        text,
        chunk.flatMap(row => columns.map(column => row[column])),
      ),
    )
  }
}

/** Rows that are updated by one statement, which is filled up with the last of them: a few lengths are used again and again. */
const UPDATED_ROWS = [8, 32]

/**
 * Sets columns of many rows of one tenant in few statements: some to the same values in all of them (`same`), others each to a value of its own. Rows that
 * are not there are passed over; all must have the same keys. Answers how many rows were there.
 */
export async function updateRows<Schema, Table extends keyof Schema & string>(
  database: OpenDatabase<Schema>,
  table: Table,
  tenantId: number,
  same: Readonly<Record<string, unknown>>,
  rows: readonly ({ readonly id: number } & Readonly<Record<string, unknown>>)[],
  executor: Kysely<Schema> = database.kysely,
): Promise<number> {
  const columns = Object.keys(rows[0] ?? {}).filter(column => column !== 'id')
  const most = UPDATED_ROWS.at(-1) as number
  let updated = 0
  for (let start = 0; start < rows.length; start += most) {
    const chunk = rows.slice(start, start + most)
    const length = UPDATED_ROWS.find(size => size >= chunk.length) as number
    while (chunk.length < length) chunk.push(chunk.at(-1) as (typeof rows)[number])
    const cases = ` = case id ${'when ? then ? '.repeat(length)}end`
    const set = [...Object.keys(same).map(column => `${column} = ?`), ...columns.map(column => column + cases)].join(', ')
    const text = `update ${database.qualify(table)} set ${set} where tenant_id = ? and id in (${'?, '.repeat(length - 1)}?)`
    const values = [...Object.values(same), ...columns.flatMap(column => chunk.flatMap(row => [row.id, row[column]]))]
    const result = await executor.executeQuery(CompiledQuery.raw(text, [...values, tenantId, ...chunk.map(row => row.id)]))
    updated += Number(result.numAffectedRows ?? 0)
  }
  return updated
}

/** What stands before and behind the rows. */
export function wordsAround<Schema, Row>(
  { dialect, qualify }: OpenDatabase<Schema>,
  table: keyof Schema & string,
  columns: readonly string[],
  onDuplicate: OnDuplicate<Row>,
): [head: string, tail: string] {
  const keeping = dialect === 'sqlite' ? 'insert or ignore' : 'insert ignore'
  const verb = onDuplicate === 'keep' ? keeping : onDuplicate === 'supplant' ? 'replace' : 'insert'
  const head = `${verb} into ${qualify(table)} (${columns.join(', ')}) values `
  if (typeof onDuplicate === 'string') return [head, '']
  const { key, replace = [], add = [], least = [], greatest = [] } = onDuplicate
  const given = (column: string) => (dialect === 'mysql' ? `values(${column})` : `excluded.${column}`)
  const sets = [
    ...replace.map(column => `${column} = ${given(column)}`),
    ...add.map(column => `${column} = ${column} + ${given(column)}`),
    ...least.map(column => `${column} = ${dialect === 'mysql' ? 'least' : 'min'}(${column}, ${given(column)})`),
    ...greatest.map(column => `${column} = ${dialect === 'mysql' ? 'greatest' : 'max'}(${column}, ${given(column)})`),
  ].join(', ')
  return [
    head,
    dialect === 'mysql' ? ` on duplicate key update ${sets}` : ` on conflict (${key.join(', ')}) do update set ${sets}`,
  ]
}

function* chunksOf<Row>(
  rows: readonly Row[],
  columns: readonly (keyof Row)[],
  sizes: readonly number[],
): Generator<readonly Row[]> {
  for (let start = 0; start < rows.length; ) {
    const left = rows.length - start
    const most = sizes.find(size => size <= left) ?? left
    let characters = 0
    let count = 0
    while (count < most && (count === 0 || characters < MAX_CHARACTERS)) {
      const row = rows[start + count] as Row
      characters += columns.reduce((sum, column) => sum + lengthOf(row[column]), 0)
      count++
    }
    yield rows.slice(start, start + count)
    start += count
  }
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 8
}
