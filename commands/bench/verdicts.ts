import { type Row, verdictOf } from '../../src/bench/judging.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'

/** A line for each figure, with its verdict, and then why those that do not count do not. `shown`: a value of the row's own kind; null is of none. */
export function verdictLines(
  rows: readonly Row[],
  rounds: number,
  shown: (row: Row, value: number | null) => string,
  style: Style,
): string[] {
  const reasons = rows.flatMap(row => (row.why === null ? [] : [`${style.red(verdictWord(row) ?? '')}  ${row.why}`]))
  return [table(rows, columnsFor(rounds, shown, style), style), ...new Set(reasons)]
}

const WORDS = { pass: 'pass', fail: 'fail', invalid: 'INVALID' } as const

/** A verdict as people read it; null where there is none. */
export function verdictWord(row: Row): string | null {
  const verdict = verdictOf(row)
  return verdict === null ? null : WORDS[verdict]
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
      cell: verdictWord,
      paint: text => (text === 'pass' ? style.green(text) : text === '-' ? style.dim(text) : style.red(text)),
    },
  ]
}
