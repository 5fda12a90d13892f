import { CompiledQuery, type Kysely } from 'kysely'
import { type OnDuplicate, ROWS_PER_STATEMENT, wordsAround } from './bulk.js'
import type { OpenDatabase } from './driver.js'

/** MySQL waits for no round trip so often, and no statement comes near its `max_allowed_packet`. */
const STATEMENT_CHARACTERS = 1_000_000

type Value = number | string | Uint8Array | null

/** One column of many rows: a value for each, or the same for all. */
export type Column<Name extends string> =
  | { readonly name: Name; readonly values: ArrayLike<Value> }
  | { readonly name: Name; readonly all: Value }

/**
 * Inserts `length` rows that are given column by column, as `insertRows` does, for rows by the ten thousand: there is no object for each, and MySQL is sent
 * literals. Numbers must be finite.
 */
export async function insertColumns<Schema, Table extends keyof Schema & string>(
  database: OpenDatabase<Schema>,
  table: Table,
  length: number,
  columns: readonly Column<keyof Schema[Table] & string>[],
  onDuplicate: OnDuplicate<Schema[Table]> = 'fail',
  executor: Kysely<Schema> = database.kysely,
): Promise<void> {
  const names = columns.map(column => column.name)
  const [head, tail] = wordsAround(database, table, names, onDuplicate)
  const statements = database.dialect === 'mysql' ? withLiterals(length, columns) : withParameters(length, columns)
  for (const { rows, parameters } of statements) await executor.executeQuery(CompiledQuery.raw(head + rows + tail, parameters))
}

interface Statement {
  readonly rows: string
  readonly parameters: Value[]
}

function* withLiterals(length: number, columns: readonly Column<string>[]): Generator<Statement> {
  const writers = columns.map(literalsOf)
  let rows = ''
  for (let index = 0; index < length; index++) {
    let row = ''
    for (const write of writers) row += row === '' ? write(index) : `,${write(index)}`
    rows += rows === '' ? `(${row})` : `,(${row})`
    if (rows.length < STATEMENT_CHARACTERS) continue
    yield { rows, parameters: [] }
    rows = ''
  }
  if (rows !== '') yield { rows, parameters: [] }
}

function* withParameters(length: number, columns: readonly Column<string>[]): Generator<Statement> {
  const tuple = `(${columns.map(() => '?').join(', ')})`
  for (let start = 0; start < length; ) {
    const count = ROWS_PER_STATEMENT.sqlite.find(size => size <= length - start) ?? 1
    const parameters: Value[] = []
    for (let index = start; index < start + count; index++)
      for (const column of columns) parameters.push('all' in column ? column.all : (column.values[index] as Value))
    yield { rows: new Array(count).fill(tuple).join(', '), parameters }
    start += count
  }
}

function literalsOf(column: Column<string>): (index: number) => string {
  if ('all' in column) {
    const text = literalOf(column.all)
    return () => text
  }
  const { values } = column
  if (ArrayBuffer.isView(values)) return index => String(values[index])
  return index => literalOf(values[index] as Value)
}

/** What might end a literal is sent as hex, which nothing ends. */
function literalOf(value: Value): string {
  if (typeof value === 'number') return String(value)
  if (value === null) return 'null'
  if (typeof value !== 'string') return `x'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}'`
  return /^[\w .:-]*$/.test(value) ? `'${value}'` : `_utf8mb4 x'${Buffer.from(value).toString('hex')}'`
}
