import { assumptionsOf, metricWords } from '../../src/capacity/assumptions.js'
import type { Capacity } from '../../src/capacity/capacity.js'
import type { PhaseCost } from '../../src/capacity/costs.js'
import type { Limit, Metric } from '../../src/capacity/limits.js'
import type { Use } from '../../src/capacity/plan.js'
import type { Step } from '../../src/capacity/steps.js'
import { day, money } from '../../src/capacity/words.js'
import { count, counted } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { widthOf } from '../../src/cli/width.js'
import { PHASES } from '../../src/watch/phases.js'

const INDENT = 2
const LEAST_COLUMNS = 40
const MOST_COLUMNS = 80
const SETTING = /^[A-Z_]+=/

export function textOf(capacity: Capacity, explain: boolean, style: Style): string {
  const wrap = (text: string, indent: number) => wrapped(text, indent, Math.min(style.columns, MOST_COLUMNS))
  const { plan, missing, processes } = capacity
  return [
    ...headOf(capacity, style, wrap),
    ...(missing.length === 0
      ? []
      : ['', style.bold(`Phase ${plan.phase} needs, and is not there yet`), ...stepLines(missing, style, wrap)]),
    '',
    ...nextOf(capacity, style, wrap),
    ...(processes === null ? [] : ['', ...processLines(capacity, style, wrap)]),
    '',
    ...tableLines(capacity, style, wrap),
    ...(explain ? ['', ...explained(capacity, style, wrap)] : []),
  ].join('\n')
}

type Wrap = (text: string, indent: number) => string[]

function headOf({ plan, costs, growth }: Capacity, style: Style, wrap: Wrap): string[] {
  const percent = style[plan.usedPercent > 100 ? 'red' : plan.usedPercent >= 80 ? 'yellow' : 'green'](`${plan.usedPercent} %`)
  const cost = costWords(costs.phases[plan.phase], costs.currency)
  const head = `${style.bold(`Phase ${plan.phase}`)}: ${percent} used, by ${metricWords(plan.limit)}; ${cost}`
  const uses = plan.uses.map(use => `  ${metricWords(use.metric).padEnd(16)}  ${useWords(use)}`)
  const rate =
    growth.perWeek === null ? `not known yet: ${growth.why}` : `${signed(growth.perWeek * 100)} % a week (${growth.why})`
  const beyond = plan.isBeyond
    ? wrap(
        'This is more than anything the guide speaks of. Nothing here says what carries it: measure it with feedctl bench.',
        INDENT,
      )
    : []
  return [
    head,
    ...uses,
    ...wrap(`growth            ${rate}`, INDENT),
    ...wrap(`full              ${fullWords(plan)}`, INDENT),
    ...beyond,
  ]
}

function useWords({ used, of, share }: Use): string {
  if (used === null) return `not known yet, of ${count(of)}`
  return `${count(used)} of ${count(of)} (${Math.round(share * 100)} %)`
}

function fullWords({ full, isBeyond }: Capacity['plan']): string {
  if (isBeyond) return 'it is exceeded'
  if (full.weeks === null || full.at === null) return full.why ?? 'not known yet'
  return `in ${counted(Math.round(full.weeks * 10) / 10, 'week')}, about ${day(full.at)}`
}

function nextOf({ plan, costs, steps }: Capacity, style: Style, wrap: Wrap): string[] {
  if (plan.next === null) return wrap('This is the last phase: what it carries grows with its machines.', 0)
  const when = plan.full.at === null ? '' : ` by ${day(plan.full.at)}`
  const head = `${style.bold(`Next: ${plan.next}${when}`)}, ${costWords(costs.phases[plan.next], costs.currency)}`
  return [head, ...(steps.length === 0 ? ['  everything that leads there is done'] : stepLines(steps, style, wrap))]
}

function stepLines(steps: readonly Step[], style: Style, wrap: Wrap): string[] {
  return steps.flatMap(({ command, why, isByHand }, index) => [
    ...commandLines(command, `${String(index + 1).padStart(INDENT + 1)}. `),
    ...wrap(isByHand ? `${why} (to be checked by hand: nothing tells whether it is done)` : why, 2 * INDENT + 1).map(style.dim),
  ])
}

/** Settings as they stand in the env file, one a line. */
function commandLines(command: string, lead: string): string[] {
  const lines = SETTING.test(command) ? command.split(' ') : [command]
  return lines.map((line, index) => (index === 0 ? lead : ' '.repeat(lead.length)) + line)
}

function processLines({ processes, measured }: Capacity, style: Style, wrap: Wrap): string[] {
  if (processes === null || measured.model === null) return []
  const { perS, needed, why, words } = processes
  const answer = needed === null ? `not with processes alone: ${why}` : needed === 1 ? '1 process' : `${count(needed)} processes`
  const head = `${style.bold(`Processes for ${count(perS)} requests/s`)}, measured here on ${day(measured.model.at)}`
  return [head, ...wrap(answer, INDENT), ...wrap(`bottleneck: ${words}`, INDENT)]
}

function tableLines({ limits, costs, plan, measured }: Capacity, style: Style, wrap: Wrap): string[] {
  const cell = (metric: Metric) => (phase: Row) => limitCell(limits[phase][metric])
  type Row = (typeof PHASES)[number]['name']
  const rows = PHASES.map(({ name }) => name)
  const shown = table<Row>(
    rows,
    [
      { title: '', cell: phase => (phase === plan.phase ? '>' : '') },
      { title: 'PHASE', cell: phase => phase },
      { title: 'TENANTS', cell: cell('tenants'), right: true },
      { title: 'USERS', cell: cell('concurrent_users'), right: true },
      { title: 'REQUESTS/S', cell: cell('requests_per_s'), right: true },
      { title: `${costs.currency}/MONTH`, cell: phase => rangeWords(costs.phases[phase]), right: true },
    ],
    style,
  )
  const note =
    measured.figures.length === 0
      ? "The guide's figures: this machine was not measured with these drivers; feedctl bench guide does it."
      : "Behind the guide's figures: what was measured here. What counts is said by --explain."
  return [shown.trimEnd(), ...wrap(note, 0).map(style.dim)]
}

function limitCell({ guide, measured }: Limit): string {
  return measured === null ? count(guide) : `${count(guide)} | ${count(measured)}`
}

function explained(capacity: Capacity, style: Style, wrap: Wrap): string[] {
  return [
    style.bold('What this rests on'),
    ...assumptionsOf(capacity).flatMap(({ what, value, source, why }) => [
      ...wrap(`${what} ${value} (${source})`, INDENT),
      ...wrap(why, 2 * INDENT).map(style.dim),
    ]),
  ]
}

function costWords(cost: PhaseCost, currency: string): string {
  return `${rangeWords(cost)} ${currency} a month`
}

function rangeWords({ from, to }: PhaseCost): string {
  return to === null ? money(from) : `${money(from)} to ${money(to)}`
}

function signed(percent: number): string {
  return percent > 0 ? `+${percent.toFixed(1)}` : percent.toFixed(1)
}

/** Lines of words, each indented, none wider than the columns unless a word is. */
function wrapped(text: string, indent: number, columns: number): string[] {
  const room = Math.max(LEAST_COLUMNS, columns) - indent
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/ (?! )/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > room) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line].map(each => ' '.repeat(indent) + each)
}
