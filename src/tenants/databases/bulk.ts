import { CompiledQuery, type Kysely } from 'kysely'
import type { OpenDatabase } from './driver.js'

/** What an insert does with a row whose key is there: fail the statement, keep the old row, or replace the named columns of it. */
export type OnDuplicate<Row> =
  | 'fail'
  | 'keep'
  | { readonly key: readonly (keyof Row & string)[]; readonly replace: readonly (keyof Row & string)[] }

const MAX_PARAMETERS = 30_000
const MAX_CHARACTERS = 1_000_000

/**
 * Inserts rows of one shape with few statements, each of at most about 1 MB. All rows must have the same keys; none is no statement.
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
  const verb = onDuplicate !== 'keep' ? 'insert' : database.dialect === 'sqlite' ? 'insert or ignore' : 'insert ignore'
  const head = `${verb} into ${database.qualify(table)} (${columns.join(', ')}) values `
  const tail = typeof onDuplicate === 'string' ? '' : replaceWords(database.dialect, onDuplicate.key, onDuplicate.replace)
  const tuple = `(${columns.map(() => '?').join(', ')})`
  for (const chunk of chunksOf(rows, columns)) {
    const text = head + new Array(chunk.length).fill(tuple).join(', ') + tail
    await executor.executeQuery(
      CompiledQuery.raw(
        text,
        chunk.flatMap(row => columns.map(column => row[column])),
      ),
    )
  }
}

function replaceWords(dialect: OpenDatabase<unknown>['dialect'], key: readonly string[], replace: readonly string[]): string {
  if (dialect === 'mysql') return ` on duplicate key update ${replace.map(column => `${column} = values(${column})`).join(', ')}`
  return ` on conflict (${key.join(', ')}) do update set ${replace.map(column => `${column} = excluded.${column}`).join(', ')}`
}

function* chunksOf<Row>(rows: readonly Row[], columns: readonly (keyof Row)[]): Generator<readonly Row[]> {
  let start = 0
  let characters = 0
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as Row
    const size = columns.reduce((sum, column) => sum + lengthOf(row[column]), 0)
    if (index > start && (characters + size > MAX_CHARACTERS || (index - start + 1) * columns.length > MAX_PARAMETERS)) {
      yield rows.slice(start, index)
      start = index
      characters = 0
    }
    characters += size
  }
  if (start < rows.length) yield rows.slice(start)
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 8
}
