import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { finish } from '../../commands/bench/finish.js'
import { checkReportPlace, writeReport } from '../../src/bench/report/place.js'
import type { BenchResult } from '../../src/bench/result.js'
import type { Baseline } from '../../src/bench/results/comparison.js'
import { readStored, type StoredBench } from '../../src/bench/results/stored.js'
import { DEFAULT_FLAGS } from '../../src/cli/flags.js'
import { toJson } from '../../src/cli/json.js'
import type { Phase } from '../../src/watch/phases.js'
import { resultWith } from '../bench/report-result.js'
import { createTestTerminal } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

const SECRET = 'hush-this-password'
const ROW = { min: 9, max: 9, samples: 3, pass: null, valid: true, why: null, target: null } as const

/** A result with one figure that is the same each time. */
const resultOf = (changes: Partial<BenchResult> = {}): BenchResult => {
  const { machine } = resultWith()
  const rows = [{ ...ROW, phase: 'mvp' as const, metric: 'p99_ms', measured: 9 }]
  return { ...{ scenario: 'api', machine, settings: { tenants: 5 }, rows, model: null }, ...changes }
}

const storedOf = (changes: Partial<BenchResult> = {}): StoredBench => readStored(toJson(resultOf(changes)), 'a test')

interface Given {
  readonly result?: BenchResult
  readonly baselines?: readonly Baseline[]
  readonly report?: string
  readonly hint?: string
  readonly phase?: Phase
}

/** What the end of a run prints and says, and what it fails with. */
async function ended(data: string, { result = resultOf(), baselines = [], report, hint, phase }: Given) {
  const env = { FEEDCTL_DATA: data, DB_PASSWORD: SECRET }
  const { terminal, out, err } = createTestTerminal({ cwd: data, env })
  terminal.settle({ ...DEFAULT_FLAGS, json: true })
  await terminal.prepare()
  const parts = { result, asText: () => '', at: Date.UTC(2026, 0, 1), phase: phase ?? null, baselines, worseBy: 10 }
  const failed: unknown = await finish(terminal, { ...parts, report: report ?? null, hint: hint ?? null }).then(
    () => null,
    error => error,
  )
  return { printed: JSON.parse(out.text), err: err.text, failed }
}

const FOREIGN = 'not a report'

describe('the end of a benchmark', () => {
  it('has no secrets in what is printed, kept and on the page, and keeps it for its owner', async () => {
    const data = temporaryFolder()
    const report = join(data, 'page.html')
    const settings = {
      endpoint: 'http://key:s3cr3t@127.0.0.1:7480/?token=abcdef',
      urls: ['http://u:pw12@127.0.0.1/'],
      note: SECRET,
    }
    const rows = [
      { ...ROW, phase: null, metric: 'p99_ms', measured: 9, valid: false, why: `login as ${SECRET} at http://a:pw34@h/` },
    ]
    const { printed, err } = await ended(data, { result: resultOf({ settings, rows }), report })
    const kept = readFileSync(printed.kept, 'utf8')
    expect(printed.settings).toEqual({
      endpoint: 'http://***@127.0.0.1:7480/?token=***',
      urls: ['http://***@127.0.0.1/'],
      note: '***',
    })
    for (const text of [JSON.stringify(printed), kept, readFileSync(report, 'utf8'), err])
      expect(text).not.toMatch(/s3cr3t|abcdef|pw12|pw34|hush-this/)
    expect(statSync(printed.kept).mode & 0o777).toBe(0o600)
  })

  it('compares with the first of several that was measured in the same way', async () => {
    const other = { path: 'other.json', result: storedOf({ settings: { tenants: 6 } }) }
    const same = { path: 'same.json', result: storedOf() }
    expect((await ended(temporaryFolder(), { baselines: [other, same] })).printed.baseline).toMatchObject({
      path: 'same.json',
      obstacles: [],
    })
    const { printed, failed } = await ended(temporaryFolder(), { baselines: [other] })
    expect(printed.baseline).toMatchObject({ path: 'other.json', obstacles: ['tenants was 6, and is 5'] })
    expect(failed).toMatchObject({ code: 'CHECK_FAILED' })
  })

  it('keeps and prints also a result that cannot be read back, and says that it was not compared', async () => {
    const { machine } = resultWith()
    const result = resultOf({ machine: { ...machine, cpus: Number.NaN } })
    const { printed, failed } = await ended(temporaryFolder(), { result, baselines: [{ path: 'b.json', result: storedOf() }] })
    expect(JSON.parse(readFileSync(printed.kept, 'utf8'))).toMatchObject({ rows: [{ measured: 9 }] })
    expect(failed).toMatchObject({ code: 'CHECK_FAILED', message: expect.stringContaining('cannot be read back') })
  })

  it('keeps a result also when older ones cannot be removed', async () => {
    const data = temporaryFolder()
    mkdirSync(join(data, 'bench'))
    const names = Array.from({ length: 201 }, (_, n) => `2025-01-01T00-00-00.${String(n).padStart(3, '0')}Z-api.json`)
    for (const name of names) mkdirSync(join(data, 'bench', name))
    const { printed, err, failed } = await ended(data, {})
    expect(readFileSync(printed.kept, 'utf8')).toContain('"p99_ms"')
    expect({ err, failed }).toEqual({ err: expect.stringMatching(/^older results are not removed: /), failed: null })
  })

  it('tells of a missed target and of a report that could not be written, and ends with the first', async () => {
    const report = join(temporaryFolder(), 'gone', 'page.html')
    const rows = [{ ...ROW, phase: null, metric: 'p99_ms', measured: 9, target: 1, pass: false }]
    const both = await ended(temporaryFolder(), { result: resultOf({ rows }), report, hint: 'again' })
    expect(both.failed).toMatchObject({ code: 'CHECK_FAILED', message: 'not as promised: p99_ms' })
    expect(both.err).toMatch(/the report is not written: .*page\.html/)
    const one = await ended(temporaryFolder(), { report })
    expect(one.failed).toMatchObject({ code: 'FILE_UNREADABLE' })
  })
})

describe('a report', () => {
  test('leaves a file that came to be there meanwhile, unless it was agreed to', async () => {
    const path = join(temporaryFolder(), 'page.html')
    await checkReportPlace(path, false)
    writeFileSync(path, FOREIGN)
    await expect(writeReport(path, 'page', false)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(readFileSync(path, 'utf8')).toBe(FOREIGN)
    await writeReport(path, 'page', true)
    expect(readFileSync(path, 'utf8')).toBe('page')
  })

  test('is not written over a symbolic link, and leaves nothing beside it', async () => {
    const folder = temporaryFolder()
    symlinkSync(join(folder, 'elsewhere.html'), join(folder, 'page.html'))
    await expect(checkReportPlace(join(folder, 'page.html'), true)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    await expect(writeReport(join(folder, 'page.html'), 'page', true)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(readdirSync(folder)).toEqual(['page.html'])
  })
})
