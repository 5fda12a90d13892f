import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import type { Row } from '../../../src/bench/judging.js'
import type { BenchCharts } from '../../../src/bench/result.js'
import { findProgram } from '../../support/server.js'
import type { BinEnd, BinProcess } from '../bin-process.js'
import type { Site } from './site.js'

/** Whose last questions nobody waits for. */
export const USERS = 12
/** Each is read anew after a sync, and kept ready until the next. */
const PATHS = Array.from({ length: 20 }, (_, index) => `/v1/posts?limit=${20 + index}`)

export interface BenchJson {
  readonly rows: Row[]
  readonly charts: BenchCharts
}

export interface BenchRun extends BinEnd {
  /** Of the page that it wrote. */
  readonly report: string
}

/** `feedctl bench api` at the load balancer, as the client of a tenant, again and again: users for the half of the time, requests at a rate for the other. */
export class Measuring {
  private isOver = false
  private present: BinProcess
  private readonly loop: Promise<BenchRun[]>

  constructor(
    private readonly site: Site,
    private readonly folder: string,
    token: string,
  ) {
    writeFileSync(this.headers, `Authorization: Bearer ${token}\n`, { mode: 0o600 })
    this.present = this.start(0)
    this.loop = this.go()
    // Heard of at the end.
    this.loop.catch(() => {})
    onTestFinished(() => {
      this.isOver = true
    })
  }

  /** Resolves when the first load has begun. */
  async begun(): Promise<void> {
    await this.present.says(`${USERS} users at `)
  }

  /** Resolves with every run when the present one has ended. */
  end(): Promise<BenchRun[]> {
    this.isOver = true
    return this.loop
  }

  private async go(): Promise<BenchRun[]> {
    const runs: BenchRun[] = []
    do {
      if (runs.length > 0) this.present = this.start(runs.length)
      const end = await this.present.ended
      runs.push({ ...end, report: this.reportOf(runs.length) })
    } while (!this.isOver)
    return runs
  }

  private start(run: number): BinProcess {
    const urls = PATHS.flatMap(path => ['--url', this.site.origin + path])
    const load = ['--connections', String(USERS), '--rate', '50', '--no-search', '--duration', '12', '--repeat', '1']
    const told = ['--header-file', this.headers, '--report', this.reportOf(run), '--json', '--progress', 'none']
    const env = { NODE_EXTRA_CA_CERTS: this.site.scale.certificate, TMPDIR: this.folder }
    return this.site.type(['bench', 'api', ...urls, ...load, ...told], env)
  }

  private get headers(): string {
    return join(this.folder, 'headers')
  }

  private reportOf(run: number): string {
    return join(this.folder, `report-${run}.html`)
  }
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
