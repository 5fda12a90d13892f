import type { SyncBenchResult } from '../../src/bench/sync/bench.js'
import type { SyncPhase } from '../../src/bench/sync/round.js'
import type { Row } from '../../src/bench/sync/rows.js'
import { median } from '../../src/bench/sync/rows.js'
import { greatest } from '../../src/bench/sync/usage.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'

interface Line {
  readonly name: string
  readonly phases: readonly SyncPhase[]
  readonly seconds: Row | null
}

/** The result as a person reads it: what was measured on what, a line for cold and one for warm, the verdicts. */
export function asText(result: SyncBenchResult, style: Style): string {
  const rowNamed = (metric: string) => result.rows.find(row => row.metric === metric) ?? null
  const lines: Line[] = [
    { name: 'cold', phases: result.runs.map(run => run.cold), seconds: rowNamed('sync_cold_s') },
    { name: 'warm', phases: result.runs.flatMap(run => run.warm), seconds: rowNamed('sync_warm_s') },
  ]
  return [...heading(result, style), '', table(lines, columnsFor(result, style), style), ...verdicts(result, style)].join('\n')
}

function heading({ machine, settings, rows }: SyncBenchResult, style: Style): string[] {
  const { drivers } = machine
  const feeds = settings.tenants * settings.feedsPerTenant
  const provisioned = rows.find(row => row.metric === 'provision_s')?.measured ?? null
  const workers = settings.workers > 0 ? `, ${count(settings.workers)} workers` : ''
  const latency = settings.latencyMs > 0 ? `, answered after ${count(settings.latencyMs)} ms` : ''
  return [
    `${style.bold('sync')} of ${count(feeds)} feeds in ${count(settings.tenants)} tenants (${settings.placement}), ${count(settings.distinct)} sources of ${count(settings.items)} posts of ${bytes(settings.itemBytes)}${latency}`,
    style.dim(`${drivers.db}, cache ${drivers.cache}, queue ${drivers.queue}${workers}; tenants made in ${shown(provisioned)} s`),
    style.dim(
      `${count(machine.cpus)} x ${machine.cpuModel}, ${bytes(machine.memoryBytes)}, Node ${machine.node}, ${machine.os}; feed server and databases on it too`,
    ),
  ]
}

function columnsFor({ settings, runs }: SyncBenchResult, style: Style): Column<Line>[] {
  const feeds = settings.tenants * settings.feedsPerTenant
  const middle = (line: Line, figure: (phase: SyncPhase) => number | null) =>
    median(line.phases.map(figure).filter(value => value !== null))
  const rate = (line: Line, amount: number) => {
    const seconds = line.seconds?.measured ?? 0
    return seconds > 0 ? count(Math.round(amount / seconds)) : null
  }
  const right = (title: string, cell: (line: Line) => string | null): Column<Line> => ({ title, cell, right: true })
  return [
    { title: runs.length > 1 ? `${runs.length} ROUNDS` : '', cell: line => line.name, paint: text => style.bold(text) },
    right('SECONDS', line => shown(line.seconds?.measured ?? null)),
    right('MIN-MAX', line =>
      line.phases.length > 1 ? `${shown(line.seconds?.min ?? null)}-${shown(line.seconds?.max ?? null)}` : null,
    ),
    right('WALL', line => shown(middle(line, phase => phase.wallMs / 1000))),
    right('FEEDS/S', line => rate(line, feeds)),
    right('POSTS/S', line => (line.name === 'cold' ? rate(line, feeds * settings.items) : null)),
    right('REQUESTS', line => counted(middle(line, phase => phase.requests))),
    right('304S', line => counted(middle(line, phase => phase.notModified))),
    right('CPU SYNC', line => shown(middle(line, phase => phase.cpuS.sync))),
    ...(settings.workers > 0 ? [right('WORKERS', line => shown(middle(line, phase => phase.cpuS.workers)))] : []),
    right('FEED SERVER', line => shown(middle(line, phase => phase.cpuS.feedServer))),
    right('PEAK MEMORY', line => sized(greatest(line.phases.flatMap(({ peakRssBytes: peak }) => [peak.sync, peak.workers])))),
  ]
}

function verdicts({ rows }: SyncBenchResult, style: Style): string[] {
  const judged = rows
    .filter(row => row.pass !== null && row.valid)
    .map(row => {
      const verdict = row.pass ? style.green('pass') : style.red('fail')
      return `${verdict}  ${row.metric} ${figure(row, row.measured)}, target ${figure(row, row.target)} or less`
    })
  const faults = [...new Set(rows.flatMap(row => (row.why === null ? [] : [row.why])))].map(
    why => `${style.red('INVALID')}  ${why}`,
  )
  if (judged.length + faults.length > 0) return [...faults, ...judged]
  return [style.dim('every request and post is accounted for; nothing is promised for a load of this shape')]
}

function figure(row: Row, value: number | null): string {
  return row.metric.endsWith('_bytes') ? (sized(value) ?? '-') : `${shown(value) ?? '-'} s`
}

function shown(value: number | null): string | null {
  return value === null ? null : value.toFixed(2)
}

function counted(value: number | null): string | null {
  return value === null ? null : count(value)
}

function sized(value: number | null): string | null {
  return value === null ? null : bytes(value)
}
