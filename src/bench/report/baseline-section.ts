import type { ComparedRow, ComparedVerdict, Comparison } from '../results/comparison.js'
import { exact, metricWords, moment } from './figures.js'
import { html, type Markup } from './markup.js'
import { phaseName } from './rows-section.js'

const ORDER: readonly ComparedVerdict[] = ['worse', 'no longer valid', 'unclear', 'better', 'not comparable', 'same']
const KINDS = {
  ...{ worse: 'fail', 'no longer valid': 'fail', unclear: 'invalid' },
  ...{ better: 'pass', 'not comparable': 'invalid', same: 'plain' },
} as const satisfies Record<ComparedVerdict, string>

/** What changed since the baseline: the worse first. */
export function baselineSection({ path, at, worseBy, obstacles, notes, rows }: Comparison): Markup {
  const sorted = ORDER.flatMap(verdict => rows.filter(row => row.verdict === verdict))
  const when = at === null ? null : html`, begun ${moment(at)}`
  return html`<section id="baseline" class="card">
<h2>Beside the baseline</h2>
<p class="caption">${path}${when}. A figure is worse or better when the larger is more than ${worseBy} % above the smaller, and by more than its unit’s floor, with three looks or more each; when their spreads overlap it is unclear which.</p>
${obstacles.length === 0 ? null : html`<ul class="obstacles">${obstacles.map(line => html`<li>${line}</li>`)}</ul>\n`}${
  notes.length === 0 ? null : html`<p class="caption">${notes.join('; ')}.</p>\n`
}<table class="rows">
<thead><tr><th scope="col">Figure</th><th scope="col" class="n">Before</th><th scope="col" class="n">Now</th><th scope="col" class="n">Ratio</th><th scope="col">Verdict</th></tr></thead>
<tbody>
${sorted.map(line)}</tbody>
</table>
</section>
`
}

function line({ metric, phase, before, after, ratio, verdict, why }: ComparedRow): Markup {
  const place = phase === null ? null : html` <small>${phaseName(phase)}</small>`
  return html`<tr data-metric="${metric}" title="${metric}"><th scope="row"><span>${metricWords(metric)}</span>${place}</th><td class="n" data-label="Before">${exact(metric, before)}</td><td class="n" data-label="Now">${exact(metric, after)}</td><td class="n" data-label="Ratio">${
    ratio === null ? '–' : ratio.toFixed(2)
  }</td><td class="verdict"><span class="pill ${KINDS[verdict]}">${verdict}</span></td></tr>
${why === null ? null : html`<tr class="why"><td colspan="5">${why}</td></tr>\n`}`
}
