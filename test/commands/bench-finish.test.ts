import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MARK } from '../../src/bench/report/page.js'
import { readStored, type StoredBench } from '../../src/bench/results/stored.js'
import { describeMachine } from '../../src/bench/sync/machine.js'
import { toJson } from '../../src/cli/json.js'
import { readVersion } from '../../src/cli/version.js'
import { loadConfig } from '../../src/kernel/config.js'
import { rowsIn, runBench } from '../bench/bench-runs.js'
import { BIN, runNode } from '../support/bin.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'

const SMALL = ['--feeds-per-tenant', '2', '--items', '3', '--item-bytes', '100']
const TINY = ['sync', '--tenants', '2', ...SMALL]

interface Printed {
  readonly kept: string | null
  readonly at: string
  readonly version: string
  readonly settings: { readonly tenants: number; readonly placement: string }
  readonly baseline: { readonly obstacles: string[]; readonly rows: { verdict: string }[] }
}

const printedBy = (out: string) => JSON.parse(out) as Printed
/** A stored result with one figure of three looks. */
const withFigure = (text: string, metric: string, value: number) => {
  const result = JSON.parse(text) as StoredBench
  const rows = result.rows.map(row => (row.metric === metric ? { ...row, measured: value, min: value, max: value } : row))
  return JSON.stringify({ ...result, rows })
}

/** Of another machine. */
const resultOf = (scenario: string) =>
  JSON.stringify({
    scenario,
    machine: {
      ...{ cpus: 1, cpu_model: 'x', memory_bytes: 1, node: '20', os: 'Linux' },
      drivers: { db: 'sqlite', cache: 'memory', queue: 'sync' },
    },
    settings: {},
    rows: [],
    model: null,
  })

/** Of this machine, with the embedded drivers. */
const soundResult = () => {
  const row = { phase: 'mvp', metric: 'sync_cold_s', target: null, measured: 1, min: 1, max: 1, samples: 3 }
  const machine = describeMachine(loadConfig({ env: {}, envFile: '/nowhere', envFileNamed: false }).config)
  const rows = [{ ...row, pass: null, valid: true, why: null }]
  return toJson({ scenario: 'sync', machine, settings: { tenants: 2, repeat: 3 }, rows, model: null })
}

describe('a benchmark that has measured', { timeout: 300_000 }, () => {
  test('keeps its result, compares the next with the last, and ends with 8 when a figure became worse', async () => {
    const data = temporaryFolder()
    const env = { FEEDCTL_DATA: data }
    const first = await runBench([...TINY, '--json'], env)
    expect(first.exit, first.err).toBe(0)
    const { kept, ...printed } = printedBy(first.out)
    expect(kept).toBe(join(data, 'bench', readdirSync(join(data, 'bench'))[0] ?? ''))
    expect(JSON.parse(readFileSync(kept ?? '', 'utf8'))).toEqual(printed)
    expect(printed).toMatchObject({ version: readVersion(), at: expect.stringMatching(/^20\d\d-.*Z$/) })
    expect(rowsIn(first.out).map(({ samples }) => samples)).toEqual(expect.arrayContaining([3, 9]))
    writeFileSync(kept ?? '', withFigure(readFileSync(kept ?? '', 'utf8'), 'wall_cold_s', 0.001))
    const worse = await runBench([...TINY, '--baseline', 'last'], env)
    expect(worse).toMatchObject({ exit: 8, err: expect.stringContaining('worse than the baseline: ') })
    expect(worse.out).toMatch(/\nbaseline .*-sync\.json, of 20.* UTC; by more than 10 %\n/)
    expect(worse.out).toMatch(/\nwall_cold_s +0\.00 +\d+\.\d\d +\d+\.\d\d +worse\n/)
    expect(worse.out).toContain(' not comparable: neither more nor less of it is better')
    expect(worse.err).toMatch(/\nthis result is kept as .*-sync\.json\n/)
    expect(readdirSync(join(data, 'bench'))).toHaveLength(2)
  })

  test('prints it where it cannot be kept, and does not call a smaller load the phase that was asked for', async () => {
    const data = temporaryFolder()
    writeFileSync(join(data, 'bench'), 'no folder')
    const flags = ['sync', '--phase', 'scale', '--tenants', '3', ...SMALL, '--repeat', '1', '--json']
    const run = await runBench(flags, { FEEDCTL_DATA: data })
    expect(run.exit, run.err).toBe(0)
    expect(run.err).toMatch(/^this is less than scale carries, and not judged as that: --tenants 3 instead of 2000\n/)
    expect(run.err).toMatch(/\nthis result is not kept: /)
    expect(printedBy(run.out)).toMatchObject({ kept: null, settings: { tenants: 3, placement: 'shared' } })
    expect(new Set(rowsIn(run.out).map(({ phase }) => phase))).toEqual(new Set(['mvp']))
  })

  test('prints it also when the page cannot be written any more', async () => {
    const [folder, data, gone] = [temporaryFolder(), temporaryFolder(), join(temporaryFolder(), 'gone')]
    mkdirSync(gone)
    const flags = [...TINY, '--repeat', '2', '--json', '--report', join(gone, 'report.html'), '--progress', 'none']
    const run = await runNode([BIN, 'bench', ...flags], {
      cwd: folder,
      env: { TMPDIR: folder, FEEDCTL_DATA: data },
      onError: err => void (err.includes('round 1 of 2') && rmSync(gone, { recursive: true, force: true })),
    })
    expect(run).toMatchObject({ exit: 4, err: expect.stringMatching(/cannot write .*report\.html/) })
    expect(rowsIn(run.out).length).toBeGreaterThan(5)
  })
})

describe('before anything is measured is refused', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['a baseline that is not there', ['--baseline', 'none.json'], /cannot read .*none\.json: .* \(FILE_UNREADABLE\)/],
    ['a baseline that no benchmark printed', ['--baseline', 'page.html'], /page\.html is no result of feedctl bench/],
    ['a baseline of another scenario', ['--baseline', 'api.json'], /api\.json is a result of bench api, not of bench sync/],
    [
      'the last of none',
      ['--baseline', 'last'],
      /no result of bench sync is kept in .*\n {2}try: feedctl bench sync, which keeps one/,
    ],
    ['a report in a folder that is not there', ['--report', 'gone/report.html'], /no report can be written to .*gone: /],
    ['a report in place of a folder', ['--report', '.'], / is no file /],
    [
      'a report in place of what is none',
      ['--report', 'page.html'],
      /page\.html exists, .*\n {2}try: another name, or the same command with --yes/,
    ],
  ])('%s', async (_what, flags, words) => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'page.html'), '<!doctype html><title>mine</title>')
    writeFileSync(join(cwd, 'api.json'), resultOf('api'))
    const { exit, err, out } = await runCli(['bench', ...TINY, ...flags], { cwd })
    expect({ exit, err, out }).toEqual({ exit: 4, out: '', err: expect.stringMatching(words) })
    expect(readdirSync(cwd).sort()).toEqual(['api.json', 'page.html'])
  })

  test.each<[string, readonly string[], number, RegExp]>([
    [
      'a baseline of another machine',
      [],
      8,
      /nothing can be compared with .*old\.json: measured on another machine: 1 x x with 0\.0 GB before, /,
    ],
    ['too few looks', ['--repeat', '2'], 2, /--repeat 2 is too few to compare: .*\n {2}try: --repeat 3\n/],
    ['a baseline of another load', ['--tenants', '3'], 8, /tenants was 2, and is 3/],
    [
      'the last, which became worse',
      ['--baseline', 'last'],
      8,
      /no kept result of bench sync can be compared with; the newest: /,
    ],
  ])('%s', async (what, flags, exit, words) => {
    const cwd = temporaryFolder()
    const isOther = what.includes('machine')
    const here = readStored(isOther ? resultOf('sync') : soundResult(), 'a test')
    writeFileSync(join(cwd, 'old.json'), JSON.stringify(here))
    mkdirSync(join(cwd, 'storage', 'bench'), { recursive: true })
    const worse = { ...here, baseline: { rows: [{ verdict: 'worse' }] } }
    writeFileSync(join(cwd, 'storage', 'bench', '2026-01-01T00-00-00.000Z-sync.json'), JSON.stringify(worse))
    const run = await runCli(['bench', ...TINY, '--baseline', 'old.json', ...flags], { cwd })
    expect(run).toEqual({ exit, out: '', err: expect.stringMatching(words) })
  })

  test.each([
    ['what is no percentage', ['--worse-by', 'ten'], /not a percentage from 0 to 1000/],
    ['a phase that the guide has not', ['--phase', 'moon'], /mvp, growth, scale, enterprise/],
  ])('%s', async (_what, flags, words) => {
    expect(await runCli(['bench', ...TINY, ...flags])).toMatchObject({ exit: 2, err: expect.stringMatching(words) })
  })

  test('nothing of a report that takes the place of an older one, or of any file with --yes', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'old.html'), `${MARK}\n<html>`)
    writeFileSync(join(cwd, 'page.html'), 'mine')
    // What is refused then is the baseline: the report was taken.
    for (const flags of [
      ['--report', 'old.html'],
      ['--report', 'page.html', '--yes'],
    ]) {
      const { exit, err } = await runCli(['bench', ...TINY, ...flags, '--baseline', 'none.json'], { cwd })
      expect({ exit, err }).toEqual({ exit: 4, err: expect.stringContaining('none.json') })
    }
  })
})
