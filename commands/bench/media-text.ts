import type { MediaBenchResult } from '../../src/bench/media/bench.js'
import type { Row } from '../../src/bench/sync/rows.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows }: MediaBenchResult, style: Style): string {
  const shapes = settings.shapes.map(shape => `${count(shape.files)} files of ${bytes(shape.bytes)}`)
  const other = settings.rclone === null ? 'no rclone' : `rclone ${settings.rclone} with ${count(settings.transfers)} transfers`
  const faults = [...new Set(rows.flatMap(row => (row.why === null ? [] : [row.why])))]
  return [
    `${style.bold('media')} of ${shapes.join(', and ')} to ${settings.endpoint}; beside ${other}`,
    style.dim(
      `${count(machine.cpus)} x ${machine.cpuModel}, ${bytes(machine.memoryBytes)}, Node ${machine.node}, ${machine.os}, ${machine.drivers.db}; the S3 server on it too`,
    ),
    '',
    table(rows, columnsFor(settings.repeat, style), style),
    ...faults.map(why => `${style.red('not valid')}  ${why}`),
  ].join('\n')
}

function columnsFor(rounds: number, style: Style): Column<Row>[] {
  const right = (title: string, cell: (row: Row) => string | null): Column<Row> => ({ title, cell, right: true })
  return [
    { title: rounds > 1 ? `${rounds} ROUNDS` : '', cell: row => row.metric },
    right('MEASURED', row => shown(row, row.measured)),
    ...(rounds > 1 ? [right('MIN-MAX', row => `${shown(row, row.min)}-${shown(row, row.max)}`)] : []),
    right('TARGET', row => (row.target === null ? null : `${shown(row, row.target)} or less`)),
    {
      title: 'VERDICT',
      cell: row => (row.valid ? (row.pass === null ? null : row.pass ? 'pass' : 'miss') : 'not valid'),
      paint: text => (text === 'pass' ? style.green(text) : text === '-' ? style.dim(text) : style.red(text)),
    },
  ]
}

function shown({ metric }: Row, value: number | null): string {
  if (value === null) return '-'
  if (metric.endsWith('_bytes')) return bytes(value)
  return value >= 1_000 ? count(Math.round(value)) : value.toFixed(2)
}
