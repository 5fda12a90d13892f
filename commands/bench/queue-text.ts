import type { QueueBenchResult } from '../../src/bench/queue/bench.js'
import type { Row } from '../../src/bench/sync/rows.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows }: QueueBenchResult, style: Style): string {
  const { drivers } = machine
  const faults = [...new Set(rows.flatMap(row => (row.why === null ? [] : [row.why])))]
  return [
    `${style.bold('queue')} with ${count(settings.jobs)} jobs; ${count(settings.tenants)} tenants of ${count(settings.feedsPerTenant)} feeds beside one of ${count(settings.giantFeeds)}, ${count(settings.chunk)} feeds a job`,
    style.dim(`${drivers.db}, cache ${drivers.cache}, queue ${drivers.queue}, ${count(settings.workers)} workers`),
    style.dim(
      `${count(machine.cpus)} x ${machine.cpuModel}, ${bytes(machine.memoryBytes)}, Node ${machine.node}, ${machine.os}; feed server and databases on it too`,
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
    right('MEASURED', row => shown(row.measured)),
    ...(rounds > 1 ? [right('MIN-MAX', row => `${shown(row.min)}-${shown(row.max)}`)] : []),
    right('TARGET', row => (row.target === null ? null : `${shown(row.target)} or less`)),
    {
      title: 'VERDICT',
      cell: row => (row.valid ? (row.pass === null ? null : row.pass ? 'pass' : 'miss') : 'not valid'),
      paint: text => (text === 'pass' ? style.green(text) : text === '-' ? style.dim(text) : style.red(text)),
    },
  ]
}

function shown(value: number | null): string {
  return value === null ? '-' : value >= 1_000 ? count(Math.round(value)) : value.toFixed(2)
}
