import type { ComparedRow, ComparedVerdict, Comparison } from '../../src/bench/results/comparison.js'
import { counted } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { type Column, table } from '../../src/cli/tables.js'
import { shownFigure } from './figure-text.js'

/** In a line of their own each. */
const SHOWN: readonly ComparedVerdict[] = ['worse', 'no longer valid', 'unclear', 'better']

/** What became better or worse, or may have, what is lost, what stayed, and why the rest cannot be compared. */
export function baselineText({ path, at, worseBy, obstacles, notes, rows }: Comparison, style: Style): string {
  const lines = [`${style.bold('baseline')} ${path}${at === null ? '' : `, of ${momentText(at)}`}; by more than ${worseBy} %`]
  if (obstacles.length > 0) return [...lines, ...obstacles.map(line => `${style.red('not comparable')}  ${line}`)].join('\n')
  const changed = SHOWN.flatMap(verdict => rows.filter(row => row.verdict === verdict))
  const doubts = changed.flatMap(({ metric, why }) => (why === null ? [] : [`${metric}: ${why}`]))
  const same = rows.filter(({ verdict }) => verdict === 'same').length
  return [
    ...lines,
    ...notes.map(line => style.dim(line)),
    ...(changed.length > 0 ? ['', table(changed, columnsFor(style), style), ...doubts] : []),
    `${counted(same, 'figure')} the same`,
    ...reasons(rows).map(([why, count]) => `${counted(count, 'figure')} not comparable: ${why}`),
  ].join('\n')
}

/** `2026-11-30 12:00 UTC` */
export function momentText(at: string): string {
  return `${at.slice(0, 16).replace('T', ' ')} UTC`
}

function columnsFor(style: Style): Column<ComparedRow>[] {
  const right = (title: string, cell: (row: ComparedRow) => string | null): Column<ComparedRow> => ({ title, cell, right: true })
  return [
    { title: 'FIGURE', cell: row => row.metric },
    right('BEFORE', row => shownFigure(row, row.before)),
    right('NOW', row => shownFigure(row, row.after)),
    right('RATIO', ({ ratio }) => (ratio === null ? null : ratio.toFixed(2))),
    { title: 'VERDICT', cell: row => row.verdict, paint: text => painted(text, style) },
  ]
}

function painted(verdict: string, style: Style): string {
  if (verdict === 'unclear') return style.yellow(verdict)
  return verdict === 'better' ? style.green(verdict) : style.red(verdict)
}

/** Each reason once, with how many figures it is of; the commonest first. */
function reasons(rows: readonly ComparedRow[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const { verdict, why } of rows) {
    if (verdict === 'not comparable' && why !== null) counts.set(why, (counts.get(why) ?? 0) + 1)
  }
  return [...counts].sort(([, one], [, other]) => other - one)
}
