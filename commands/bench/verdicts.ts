import type { Row } from '../../src/bench/sync/rows.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'
import { Failure } from '../../src/kernel/errors.js'

/** A line for each figure, with its verdict, and then why those that do not count do not. `shown`: a value of the row's own kind; null is of none. */
export function verdictLines(
  rows: readonly Row[],
  rounds: number,
  shown: (row: Row, value: number | null) => string,
  style: Style,
): string[] {
  const faults = [...new Set(rows.flatMap(row => (row.why === null ? [] : [row.why])))]
  return [table(rows, columnsFor(rounds, shown, style), style), ...faults.map(why => `${style.red('not valid')}  ${why}`)]
}

/** @throws {Failure} CHECK_FAILED which names the figures that missed their target or are not valid */
export function refuseMisses(rows: readonly Row[], hint: string): void {
  const bad = rows.filter(row => !row.valid || row.pass === false).map(row => row.metric)
  if (bad.length > 0) throw new Failure('CHECK_FAILED', `not as promised: ${bad.join(', ')}`, { hint })
}

function columnsFor(rounds: number, shown: (row: Row, value: number | null) => string, style: Style): Column<Row>[] {
  const right = (title: string, cell: (row: Row) => string | null): Column<Row> => ({ title, cell, right: true })
  return [
    { title: rounds > 1 ? `${rounds} ROUNDS` : '', cell: row => row.metric },
    right('MEASURED', row => shown(row, row.measured)),
    ...(rounds > 1 ? [right('MIN-MAX', row => `${shown(row, row.min)}-${shown(row, row.max)}`)] : []),
    right('TARGET', row => (row.target === null ? null : `${shown(row, row.target)} or ${row.atLeast ? 'more' : 'less'}`)),
    {
      title: 'VERDICT',
      cell: row => (row.valid ? (row.pass === null ? null : row.pass ? 'pass' : 'miss') : 'not valid'),
      paint: text => (text === 'pass' ? style.green(text) : text === '-' ? style.dim(text) : style.red(text)),
    },
  ]
}
