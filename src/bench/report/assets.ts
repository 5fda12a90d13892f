import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { ReportAssets } from './page.js'

const STYLES = ['uplot/dist/uPlot.min.css', '#report-page/report.css', '#report-page/tables.css', '#report-page/charts.css']

/** uPlot and the page's own script and styles, as they are installed. */
export async function readAssets(): Promise<ReportAssets> {
  const require = createRequire(import.meta.url)
  const read = (name: string) => readFile(require.resolve(name), 'utf8')
  const [library = '', licence = '', script = '', ...styles] = await Promise.all(
    ['uplot/dist/uPlot.iife.min.js', 'uplot/LICENSE', '#report-page/charts.js', ...STYLES].map(read),
  )
  return { css: styles.join('\n'), script: `/*\n${licence}*/\n${sharp(library)}\n${script}` }
}

/** uPlot draws as finely as the screen it begins on: a page that is printed or looked at closely wants twice that. */
function sharp(library: string): string {
  return `const uPlot = (devicePixelRatio => {\n${library}\nreturn uPlot\n})(Math.max(2, devicePixelRatio))`
}
