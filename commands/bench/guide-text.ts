import type { GuideBenchResult } from '../../src/bench/guide/bench.js'
import { isCapacity } from '../../src/bench/guide/capacity-rows.js'
import type { Row } from '../../src/bench/judging.js'
import { count, counted } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'
import type { Phase } from '../../src/watch/phases.js'
import { driversText, machineText, shownFigure } from './figure-text.js'
import { modelText } from './model-text.js'
import { verdictLines, verdictWord } from './verdicts.js'

/** What the guide's capacity table has a line for, and below it what belongs to it. */
const LINES: readonly { readonly metric: string; readonly name: string }[] = [
  { metric: 'tenants', name: 'tenants' },
  { metric: 'sync_enqueue_s', name: 'syncs queued, s' },
  { metric: 'concurrent_users', name: 'concurrent users' },
  { metric: 'users_p99_ms', name: 'their p99, ms' },
  { metric: 'requests_per_s', name: 'requests/s' },
]

/** The guide's figure of each phase, or what was measured of it. */
interface Line {
  readonly name: string
  readonly cell: (phase: Phase) => string | null
}

/** The result as a person reads it: the guide's capacity table with what was measured here, a line for each other claim, and why those that do not hold or do not count do not. */
export function asText({ machine, settings, rows, model }: GuideBenchResult, style: Style): string {
  const capacity = rows.filter(isCapacity)
  const claims = rows.filter(row => !isCapacity(row))
  const { apiProcesses, holdingProcesses, syncWorkers } = settings
  const workers = syncWorkers === null ? 'tenants synced by one process' : counted(syncWorkers, 'worker')
  return [
    `${style.bold('guide')}: what it claims, measured here`,
    style.dim(`${driversText(machine)}; API processes: ${apiProcesses}, where users are held ${holdingProcesses}; ${workers}`),
    style.dim(machineText(machine)),
    ...(capacity.length === 0
      ? []
      : ['', capacityTable(settings.phases, capacity, style).trimEnd(), ...reasons(capacity, style)]),
    ...(claims.length === 0 ? [] : ['', verdictLines(claims, settings.repeat, shownFigure, style).join('\n').trimEnd()]),
    ...(model === null ? [] : ['', modelText(model)]),
  ].join('\n')
}

function capacityTable(phases: readonly Phase[], rows: readonly Row[], style: Style): string {
  const lines = LINES.flatMap(({ metric, name }): Line[] => {
    const found = new Map(rows.filter(row => row.metric === metric).map(row => [row.phase, row]))
    if (found.size === 0) return []
    const cellOf = (shown: (row: Row) => string) => (phase: Phase) => {
      const row = found.get(phase)
      return row === undefined ? null : shown(row)
    }
    return [
      { name, cell: cellOf(row => `${row.atLeast ? '' : 'at most '}${shown(row, row.target)}`) },
      { name: '  measured here', cell: cellOf(row => `${shown(row, row.measured)} ${verdictWord(row) ?? ''}`) },
    ]
  })
  const columns: Column<Line>[] = [
    { title: "THE GUIDE'S TABLE", cell: ({ name }) => name },
    ...phases.map(phase => ({
      title: phase.toUpperCase(),
      cell: (line: Line) => line.cell(phase),
      right: true,
      paint: (text: string) =>
        text.endsWith(' pass') ? style.green(text) : / (fail|INVALID)$/.test(text) ? style.red(text) : text,
    })),
  ]
  return table(lines, columns, style)
}

/** Tenants and users are counted, not measured. */
function shown(row: Row, value: number | null): string {
  return Number.isInteger(value) ? count(value ?? 0) : shownFigure(row, value)
}

/** A line for each figure of the table that does not hold, or does not count. */
function reasons(rows: readonly Row[], style: Style): string[] {
  return rows.flatMap(row =>
    row.why === null ? [] : [`${style.red(verdictWord(row) ?? '')}  ${row.phase} ${row.metric}: ${row.why}`],
  )
}
