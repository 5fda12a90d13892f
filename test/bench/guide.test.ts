import { describe, expect, it, test } from 'vitest'
import { type GuideRound, rowsOf } from '../../src/bench/guide/rows.js'
import { faultsIn, figuresIn, leftOf, rowsIn, runBench } from './bench-runs.js'

const LOAD = { tenants: 100, requests: 1_000, writeEvery: 200, duration: 1, repeat: 1 }
const cost = (statementsPer1000: number | null, ms: number) => ({ statementsPer1000, p50Ms: ms, meanMs: ms, perS: 1 })
const round = (changes: Partial<GuideRound> = {}): GuideRound => ({
  caching: { cached: cost(100, 1), uncached: cost(1_000, 6), faults: [] },
  eager: { eager: 1, lazy: 21, faults: [] },
  events: { singlePerS: 1_000, batchedPerS: 20_000, faults: [] },
  ...changes,
})
const rowNamed = (metric: string, rounds: readonly GuideRound[]) => rowsOf(LOAD, rounds).find(row => row.metric === metric)

describe("the guide's claims", () => {
  it.each([
    ['statements_saved_percent', 90, 80],
    ['latency_p50_ratio', 6, 5],
    ['eager_saved_percent', 95.238, 90],
    ['events_ratio', 20, 10],
  ])('hold by %s', (metric, measured, target) => {
    expect(rowNamed(metric, [round()])).toMatchObject({ measured, target, atLeast: true, pass: true, valid: true })
  })

  it('do not hold for less', () => {
    const caching = { cached: cost(300, 2), uncached: cost(1_000, 6), faults: [] }
    expect(rowNamed('statements_saved_percent', [round({ caching })])).toMatchObject({ measured: 70, pass: false })
    expect(rowNamed('latency_p50_ratio', [round({ caching })])).toMatchObject({ measured: 3, pass: false })
    const eager = { eager: 21, lazy: 21, faults: [] }
    expect(rowNamed('eager_saved_percent', [round({ eager })])).toMatchObject({ measured: 0, pass: false })
  })

  it('do not hold where nothing was counted, or something was wrong', () => {
    const caching = { cached: cost(null, 1), uncached: cost(null, 6), faults: ['answers with 500 instead of 200'] }
    expect(rowNamed('statements_saved_percent', [round({ caching })])).toMatchObject({
      measured: null,
      pass: false,
      valid: false,
    })
    const events = { singlePerS: 1, batchedPerS: 20_000, faults: ['events of 1 tenants are not counted once'] }
    expect(rowNamed('events_ratio', [round({ events })])).toMatchObject({ pass: false, valid: false })
  })
})

test('feedctl bench guide measures them, refuses what does not hold, and leaves nothing behind', async () => {
  const often = ['--write-every', '5', '--assert', '--json']
  const run = await runBench(['guide', '--tenants', '3', '--requests', '400', '--duration', '1', '--repeat', '1', ...often])
  expect({ exit: run.exit, left: leftOf(run) }, run.err).toEqual({ exit: 8, left: [] })
  expect(run.err).toMatch(/not as promised: [^"]*statements_saved_percent/)
  const rows = rowsIn(run.out)
  expect(faultsIn(rows)).toEqual([])
  const figures = figuresIn(rows)
  expect(figures).toMatchObject({ eager_statements: 1, lazy_statements: 21 })
  expect(figures.statements_uncached).toBeGreaterThanOrEqual(1_000)
  expect(figures.statements_cached).toBeLessThan(figures.statements_uncached ?? 0)
  for (const metric of ['latency_p50_ratio', 'events_single_per_s', 'events_batched_per_s'])
    expect(figures[metric]).toBeGreaterThan(0)
})
