import { describe, expect, it, test } from 'vitest'
import type { QueueLoad } from '../../src/bench/queue/load.js'
import { sourcesOf } from '../../src/bench/queue/population.js'
import { type QueueRound, quantile, rowsOf } from '../../src/bench/queue/rows.js'

const LOAD: QueueLoad = { jobs: 50_000, tenants: 3, feedsPerTenant: 5, giantFeeds: 5_000, workers: 2, repeat: 1 }

function round(backlog: Partial<QueueRound['backlog']> = {}, fairness: Partial<QueueRound['fairness']> = {}): QueueRound {
  return {
    backlog: { enqueueMs: 4_000, statusMs: [10, 20, 30], processedPerS: 9_000, faults: [], ...backlog },
    fairness: { alone: [1_000, 2_000, 4_000], besideGiant: [1_000, 3_000, 6_000], giantMs: 9_000, faults: [], ...fairness },
  }
}

const rowOf = (metric: string, rounds: readonly QueueRound[], load = LOAD) =>
  rowsOf(load, rounds).find(row => row.metric === metric)

describe('the rows of a queue benchmark', () => {
  test.each([
    ['enqueue_s', 4, true],
    ['status_p95_ms', 30, true],
    ['processed_per_s', 9_000, null],
    ['wait_median_alone_s', 2, null],
    ['wait_last_giant_s', 6, null],
    ['wait_median_ratio', 1.5, true],
    ['wait_last_ratio', 1.5, null],
    ['giant_s', 9, null],
  ])('have %s', (metric, measured, pass) => {
    expect(rowOf(metric, [round()])).toMatchObject({ measured, pass, valid: true, why: null })
  })

  it('are the medians of all rounds', () => {
    const rounds = [4_000, 1_000, 9_000].map(enqueueMs => round({ enqueueMs }))
    expect(rowOf('enqueue_s', rounds)).toMatchObject({ measured: 4, min: 1, max: 9, pass: true })
  })

  it('miss a target that they exceed', () => {
    expect(rowOf('enqueue_s', [round({ enqueueMs: 5_001 })])).toMatchObject({ pass: false, valid: true })
    expect(rowOf('wait_p95_ratio', [round({}, { besideGiant: [1, 1, 8_100] })])).toMatchObject({ pass: false })
  })

  it('do not pass when what was measured is not what should have been, and say why', () => {
    const rounds = [round({ faults: ['jobs done: 1 instead of 2'] }), round()]
    expect(rowOf('enqueue_s', rounds)).toMatchObject({ pass: false, valid: false, why: 'jobs done: 1 instead of 2' })
    expect(rowOf('giant_s', rounds)).toMatchObject({ valid: true })
    expect(rowOf('wait_last_giant_s', [round({}, { besideGiant: [] })])).toMatchObject({ measured: null, valid: false })
  })

  it('promise nothing for more than the promised load', () => {
    expect(rowOf('enqueue_s', [round()], { ...LOAD, jobs: 50_001 })).toMatchObject({ target: null, pass: null })
    expect(rowOf('wait_p95_ratio', [round()], { ...LOAD, giantFeeds: 5_001 })).toMatchObject({ target: null, pass: null })
  })
})

test.each([
  [0.5, 2],
  [0.95, 4],
  [1, 4],
  [0, 1],
])('the quantile %d of four values is one of them', (part, value) => {
  expect(quantile([4, 1, 3, 2], part)).toBe(value)
})

test('every tenant of the population has sources of its own', () => {
  expect(sourcesOf({ ...LOAD, giantFeeds: 10, tenants: 2, feedsPerTenant: 3 })).toBe(10 + (20 + 2 * 2) * 3)
})
