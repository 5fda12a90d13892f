import { type Row, type Verdict, verdictOf } from '../judging.js'
import { exact, figure, metricWords } from './figures.js'
import { html, type Markup, NOTHING } from './markup.js'

const WORDS = { pass: 'pass', fail: 'fail', invalid: 'INVALID' } as const

/** How many of the rows are what. */
export function countVerdicts(rows: readonly Row[]): Record<'pass' | 'fail' | 'invalid', number> {
  const of = (verdict: Verdict) => rows.filter(row => verdictOf(row) === verdict).length
  return { pass: of('pass'), fail: of('fail'), invalid: of('invalid') }
}

export function pill(verdict: Verdict): Markup {
  return verdict === null ? NOTHING : html`<span class="pill ${verdict}">${WORDS[verdict]}</span>`
}

/** What was promised or went wrong, then all other figures; each by phase. */
export function rowsSections(rows: readonly Row[]): Markup {
  const told = rows.filter(row => verdictOf(row) !== null)
  const others = rows.filter(row => verdictOf(row) === null)
  return html`${told.length === 0 ? null : section('Verdicts', 'verdicts', told, true)}${others.length === 0 ? null : section('Other figures', 'figures', others, false)}`
}

function section(title: string, id: string, rows: readonly Row[], isJudged: boolean): Markup {
  const phases = [...new Set(rows.map(({ phase }) => phase))]
  return html`<section id="${id}" class="card">
<h2>${title}</h2>
<table class="rows">
<thead><tr><th scope="col">Figure</th><th scope="col" class="n">Measured</th><th scope="col" class="n">Least to most</th><th scope="col" class="n">Looks</th>${
    isJudged ? html`<th scope="col" class="n">Target</th><th scope="col">Verdict</th>` : null
  }</tr></thead>
${phases.map(phase =>
  phaseBody(
    phase,
    rows.filter(row => row.phase === phase),
    isJudged,
  ),
)}</table>
</section>
`
}

function phaseBody(phase: string | null, rows: readonly Row[], isJudged: boolean): Markup {
  const columns = isJudged ? 6 : 4
  const heading =
    phase === null
      ? null
      : html`<tr class="phase"><th scope="rowgroup" colspan="${columns}"><span>${phaseName(phase)}</span></th></tr>\n`
  return html`<tbody>${heading}${rows.map(row => lines(row, isJudged, columns))}</tbody>
`
}

function lines(row: Row, isJudged: boolean, columns: number): Markup {
  const { metric, measured, min, max, samples, target, atLeast, why } = row
  const spread = min === null || max === null || min === max ? null : html`${exact(metric, min)} to ${exact(metric, max)}`
  const bound = target === null ? null : html`${exact(metric, target)} or ${atLeast === true ? 'more' : 'less'}`
  return html`<tr data-metric="${metric}" title="${metric}"><th scope="row"><span>${metricWords(metric)}</span></th>${cell('Measured', html`<b>${exact(metric, measured)}</b>`)}${cell('Least to most', spread)}${cell('Looks', samples)}${
    isJudged ? html`${cell('Target', bound)}<td class="verdict">${pill(verdictOf(row))}</td>` : null
  }</tr>
${why === null ? null : html`<tr class="why"><td colspan="${columns}">${why}</td></tr>\n`}`
}

function cell(label: string, content: Markup | number | null): Markup {
  return html`<td class="n" data-label="${label}"><span>${content ?? html`<span class="none">${figure('', null)}</span>`}</span></td>`
}

/** As the guide writes it. */
export function phaseName(phase: string): string {
  return phase === 'mvp' ? 'MVP' : phase.charAt(0).toUpperCase() + phase.slice(1)
}
