import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { expect } from 'vitest'
import type { Row } from '../../../src/bench/judging.js'
import type { BenchCharts } from '../../../src/bench/result.js'
import { findProgram } from '../../support/server.js'
import type { BinProcess } from '../bin-process.js'
import type { Site } from './site.js'

export interface BenchJson {
  readonly rows: readonly Row[]
  readonly charts: BenchCharts
}

/** `feedctl bench api` at the load balancer, as the client of a tenant: users for the half of the time, requests at a rate for the other. */
export function startBench(site: Site, folder: string, token: string, report: string): BinProcess {
  const headers = join(folder, 'headers')
  writeFileSync(headers, `Authorization: Bearer ${token}\n`, { mode: 0o600 })
  const urls = ['/v1/posts?limit=20', '/v1/posts?limit=50', '/v1/feeds'].flatMap(path => ['--url', site.origin + path])
  const load = ['--connections', '12', '--rate', '50', '--no-search', '--duration', '12', '--repeat', '1']
  const told = ['--header-file', headers, '--report', report, '--json', '--progress', 'none']
  return site.type(['bench', 'api', ...urls, ...load, ...told], { NODE_EXTRA_CA_CERTS: site.scale.certificate, TMPDIR: folder })
}

/** Opens the report in a browser: it shows each figure as it was measured, and draws both loads. */
export async function expectReport(path: string, { rows, charts }: BenchJson): Promise<void> {
  const browser = await chromium.launch({
    executablePath: findProgram(['chromium'], 'chromium'),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  try {
    const page = await browser.newPage()
    await page.goto(pathToFileURL(path).href)
    for (const { metric, measured } of rows) {
      const shown = page.locator(`tr[data-metric="${metric}"] data`).first()
      expect(await shown.getAttribute('value'), metric).toBe(String(measured))
    }
    await expect
      .poll(() => page.evaluate('[...document.querySelectorAll("[data-chart]:has(canvas)")].map(chart => chart.dataset.chart)'))
      .toEqual(expect.arrayContaining(['latency', 'throughput']))
    for (const { name } of charts.throughput) expect(await page.locator('#throughput').textContent()).toContain(name)
  } finally {
    await browser.close()
  }
}
