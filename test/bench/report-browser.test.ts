import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readAssets } from '../../src/bench/report/assets.js'
import { reportPage } from '../../src/bench/report/page.js'
import { temporaryFolder } from '../support/folders.js'
import { findProgram } from '../support/server.js'
import { runBench } from './bench-runs.js'
import { HOSTILE, resultWith } from './report-result.js'

const TIMEOUT_MS = 60_000
const CHARTS = ['latency', 'throughput', 'scalability', 'rates']
let browser: Browser

beforeAll(async () => {
  browser = await chromium.launch({
    timeout: TIMEOUT_MS,
    executablePath: findProgram(['chromium'], 'chromium'),
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
})

afterAll(() => browser?.close())

type Shape = Parameters<Browser['newContext']>[0]

/** The page of a file, and everything that a good page does not do. */
async function open(path: string, shape: Shape = {}): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext(shape)
  context.setDefaultTimeout(TIMEOUT_MS)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  const url = pathToFileURL(path).href
  page.on('console', message => void faults.push(message.text()))
  page.on('pageerror', error => void faults.push(String(error)))
  page.on('request', request => void (request.url() !== url && faults.push(request.url())))
  await page.goto(url)
  return { page, faults }
}

async function written(changes: Parameters<typeof resultWith>[0] = {}): Promise<string> {
  const path = join(temporaryFolder(), 'report.html')
  writeFileSync(path, reportPage(resultWith(changes), await readAssets()))
  return path
}

interface Drawing {
  readonly chart: string
  readonly canvases: number
  /** Of its first series' colour. */
  readonly coloured: number
  /** Canvas pixels for each of the page's. */
  readonly sharpness: number
  readonly width: number
}

/** Waits until all are drawn. */
async function drawings(page: Page): Promise<Drawing[]> {
  await expect
    .poll(() => page.evaluate('document.querySelectorAll("[data-chart]:has(canvas)").length'))
    .toBe(await page.locator('[data-chart]').count())
  return page.evaluate(`new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(
    [...document.querySelectorAll('[data-chart]')].map(place => {
      const canvas = place.querySelector('canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      const ink = getComputedStyle(place.parentElement.querySelector('.key')).color.match(/\\d+/g).map(Number)
      let coloured = 0
      for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 200 && ink.every((part, n) => Math.abs(part - data[at + n]) < 24)) coloured++
      const { width } = canvas.getBoundingClientRect()
      return { chart: place.dataset.chart, canvases: place.querySelectorAll('canvas').length, coloured, sharpness: canvas.width / width, width }
    })))))`)
}

async function background(page: Page): Promise<string> {
  return page.evaluate('getComputedStyle(document.querySelector(".card")).backgroundColor')
}

describe('a report in a browser', () => {
  test.each<[string, Shape]>([
    ['screen', { viewport: { width: 1280, height: 900 } }],
    ['dark screen', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
    ['phone', { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3 }],
  ])('on a %s draws every chart sharply, asks for nothing, and moves sideways nowhere', async (_name, shape) => {
    const { page, faults } = await open(await written(), shape)
    const drawn = await drawings(page)
    expect(drawn.map(({ chart }) => chart)).toEqual(CHARTS)
    for (const { chart, canvases, coloured, sharpness, width } of drawn) {
      expect({ canvases }, chart).toEqual({ canvases: 1 })
      expect(coloured, chart).toBeGreaterThan(100)
      expect(sharpness, chart).toBeGreaterThanOrEqual(1.99)
      expect(width, chart).toBeGreaterThan((shape?.viewport?.width ?? 0) / 2)
    }
    await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(shape?.viewport?.width)
    expect(faults).toEqual([])
  })

  test('says of every figure what the result says, and hostile words are words', async () => {
    const { rows } = resultWith()
    const { page, faults } = await open(await written())
    for (const { metric, measured, min, max, target, verdict, why } of rows) {
      const line = page.locator(`main section:not(#baseline) tr[data-metric="${metric}"]`)
      const texts = await line.locator('data').all()
      const told = await Promise.all(texts.map(async one => Number(await one.getAttribute('value'))))
      expect(told, metric).toEqual([measured, min, max, target].filter(value => value !== null))
      expect(await line.locator('.pill').allTextContents()).toEqual(
        verdict === null ? [] : [verdict === 'invalid' ? 'INVALID' : verdict],
      )
      if (why !== null) expect(await line.locator('+ .why').textContent()).toBe(why)
    }
    expect(await page.locator('.summary .pill').allTextContents()).toEqual([
      '2 pass',
      '1 fail',
      '1 INVALID',
      '1 worse than the baseline',
    ])
    expect(await page.locator('#settings').textContent()).toContain(HOSTILE)
    expect(await page.locator('img, b:not(td b)').count()).toBe(0)
    expect(await page.title()).toBe('feedctl bench api, 2026-11-30')
    expect(faults).toEqual([])
  })

  test('for paper is light, as wide as the paper, and unfolded; and folds again', async () => {
    const { page, faults } = await open(await written(), { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' })
    await drawings(page)
    const dark = await background(page)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    await expect.poll(() => page.locator('details:not([open])').count()).toBe(0)
    const drawn = await drawings(page)
    expect(drawn.map(({ width }) => Math.round(width))).toEqual(CHARTS.map(() => 660))
    for (const { chart, coloured } of drawn) expect(coloured, chart).toBeGreaterThan(100)
    expect(await background(page)).toBe('rgb(255, 255, 255)')
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-')
    await page.emulateMedia({ media: 'screen', colorScheme: 'dark' })
    await expect.poll(() => page.locator('details[open]').count()).toBe(0)
    expect(await background(page)).toBe(dark)
    expect((await drawings(page))[0]?.width).toBeGreaterThan(700)
    expect(faults).toEqual([])
  })

  test('without scripts has all numbers', async () => {
    const { page } = await open(await written(), { javaScriptEnabled: false })
    await page.locator('#scalability summary').click()
    await page.locator('#scalability').getByText('8,838').first().waitFor()
    expect(await page.locator('#latency data').count()).toBe(16)
  })

  test('of a run that was just made has its figures, and no charts where nothing was drawn', async () => {
    const path = join(temporaryFolder(), 'sync.html')
    const small = ['--tenants', '2', '--feeds-per-tenant', '2', '--items', '3', '--item-bytes', '100', '--repeat', '1']
    const run = await runBench(['sync', ...small, '--json', '--report', path])
    expect(run.exit, run.err).toBe(0)
    expect(run.err).toContain(`the report is ${path}\n`)
    const result = JSON.parse(run.out) as { rows: { metric: string; measured: number }[]; version: string; at: string }
    const { page, faults } = await open(path, { viewport: { width: 390, height: 844 } })
    for (const { metric, measured } of result.rows)
      expect(await page.locator(`tr[data-metric="${metric}"] data`).first().getAttribute('value'), metric).toBe(String(measured))
    expect(await page.locator('time').getAttribute('datetime')).toBe(result.at)
    expect(await page.locator('[data-chart]').count()).toBe(0)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    expect(readFileSync(path, 'utf8')).toContain(`by feedctl ${result.version};`)
    expect(faults).toEqual([])
  })
})
