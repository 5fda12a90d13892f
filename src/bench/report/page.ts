import { createHash } from 'node:crypto'
import type { MeasuredBench } from '../result.js'
import { baselineSection } from './baseline-section.js'
import { chartSection, chartsOf } from './charts-section.js'
import { moment } from './figures.js'
import { dataScript, html, Markup } from './markup.js'
import { countVerdicts, rowsSections } from './rows-section.js'
import { settingsSection } from './settings-section.js'

/** How a report begins; what begins so may be replaced by one. */
export const MARK = '<!doctype html><!-- feedctl bench report -->'

/** What a page has in it beside the result. */
export interface ReportAssets {
  readonly css: string
  readonly script: string
}

/** One page, whole in itself: it asks for nothing, and its policy forbids that it could. */
export function reportPage(result: MeasuredBench, assets: ReportAssets): string {
  const { scenario, at, version, rows, baseline } = result
  const charts = chartsOf(result)
  const begun = new Date(at).toISOString()
  return html`${new Markup(MARK)}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${hashOf(assets.script)}; style-src ${hashOf(assets.css)}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>feedctl bench ${scenario}, ${begun.slice(0, 10)}</title>
<style>${new Markup(assets.css)}</style>
</head>
<body>
<header>
<h1>feedctl bench ${scenario}</h1>
<p class="when">begun <time datetime="${begun}">${moment(begun)}</time>, by feedctl ${version}; ${result.machine.cpus} x ${result.machine.cpuModel}</p>
${summary(result)}
</header>
<main>
${rowsSections(rows)}${baseline === undefined ? null : baselineSection(baseline)}${charts.map(chartSection)}${settingsSection(result)}</main>
${dataScript('charts', charts)}
<script>${new Markup(assets.script)}</script>
</body>
</html>
`.text
}

function summary({ rows, baseline }: MeasuredBench): Markup {
  const { pass, fail, invalid } = countVerdicts(rows)
  const worse = baseline?.rows.filter(({ verdict }) => verdict === 'worse').length ?? 0
  const pills = [
    pass > 0 ? html`<span class="pill pass">${pass} pass</span>` : null,
    fail > 0 ? html`<span class="pill fail">${fail} fail</span>` : null,
    invalid > 0 ? html`<span class="pill invalid">${invalid} INVALID</span>` : null,
    worse > 0 ? html`<span class="pill fail">${worse} worse than the baseline</span>` : null,
  ].filter(one => one !== null)
  return html`<p class="summary">${pills.length === 0 ? 'Nothing is promised for a load of this shape.' : pills}</p>`
}

function hashOf(text: string): Markup {
  return new Markup(`'sha256-${createHash('sha256').update(text).digest('base64')}'`)
}
