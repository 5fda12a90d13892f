import type { BenchResult } from '../result.js'
import type { Chart, NumbersTable } from './chart.js'
import { plain } from './figures.js'
import { latencyChart } from './latency-chart.js'
import { html, type Markup } from './markup.js'
import { ratesChart } from './rates-chart.js'
import { scalabilityChart } from './scalability-chart.js'
import { throughputChart } from './throughput-chart.js'

/** What there is to draw of a result. */
export function chartsOf({ charts, model }: BenchResult): Chart[] {
  const all = [
    latencyChart(charts?.latency ?? []),
    throughputChart(charts?.throughput ?? []),
    model === null ? null : scalabilityChart(model),
    ratesChart(charts?.rates ?? []),
  ]
  return all.filter(chart => chart !== null)
}

/** A place for the script to draw in, and the numbers, which need no script. */
export function chartSection({ id, title, caption, series, table }: Chart): Markup {
  const named = series.filter(({ name, look }) => name !== '' && look !== 'hidden')
  const keys = named.map(({ name, ink, look }) => html`<li><i class="key key-${look} ${ink}"></i>${name}</li>`)
  return html`<section id="${id}" class="card chart">
<h2>${title}</h2>
<p class="caption">${caption}</p>
<div class="canvas" data-chart="${id}" role="img" aria-label="${title}; the numbers are below"></div>
<ul class="keys">${keys}</ul>
<details><summary>Numbers</summary>
${numbers(table)}</details>
</section>
`
}

function numbers({ columns, rows }: NumbersTable): Markup {
  const cells = (row: readonly (string | number | null)[]) =>
    row.slice(1).map((value, n) => {
      const label = columns[n + 1] ?? ''
      if (typeof value === 'string') return html`<td data-label="${label}">${value}</td>`
      return html`<td class="n" data-label="${label}">${value === null ? '–' : html`<data value="${value}">${plain(value)}</data>`}</td>`
    })
  return html`<table class="rows numbers">
<thead><tr>${columns.map((column, n) => html`<th scope="col"${typeof rows[0]?.[n] === 'string' ? null : html` class="n"`}>${column}</th>`)}</tr></thead>
<tbody>
${rows.map(row => html`<tr><th scope="row"><span>${row[0] ?? ''}</span></th>${cells(row)}</tr>\n`)}</tbody>
</table>
`
}
