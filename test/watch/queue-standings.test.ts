import { describe, expect, test } from 'vitest'
import type { QueueCounts } from '../../src/queues/index.js'
import { countsOfRuns, standingOf } from '../../src/watch/queue-standings.js'
import type { RunFacts } from '../../src/watch/runs.js'
import { AT, cardQueue, workerOf } from './made-up.js'

const counts: QueueCounts = { name: 'sync', waiting: 7, active: 2, delayed: 1, failed: 3, paused: false, oldestWaitMs: 900 }

describe('what the workers of a queue tell', () => {
  test('is added up over those that consume it, and over no other', () => {
    const workers = [
      workerOf(1, [
        cardQueue('sync', { finished: 8, failed: 2, busyMs: 4_000, perS: 1.5, recent: { finished: 6, failed: 1 } }),
        cardQueue('media', { finished: 100, busyMs: 99_000, perS: 9 }),
      ]),
      workerOf(2, [cardQueue('sync', { finished: 30, busyMs: 6_000, perS: 0.25, recent: { finished: 4, failed: 2 } })]),
      workerOf(3, [cardQueue('media')]),
    ]
    expect(standingOf([counts], workers)).toEqual([
      { ...counts, processedPerS: 1.75, workers: 2, recent: { finished: 10, failed: 3 }, meanJobMs: 250 },
    ])
  })

  test('is nothing without workers, and there is no mean of no jobs', () => {
    const nothing = { processedPerS: 0, workers: 0, recent: { finished: 0, failed: 0 }, meanJobMs: null }
    expect(standingOf([counts], [])).toEqual([{ ...counts, ...nothing }])
    expect(standingOf([counts], [workerOf(1, [cardQueue('sync')])])[0]).toMatchObject({ workers: 1, meanJobMs: null })
  })

  test.each([
    ['working', 1],
    ['paused', 1],
    ['draining', 0],
  ] as const)('counts a worker that is %s as %i, and what it did in any case', (state, workers) => {
    const worker = workerOf(1, [cardQueue('sync', { perS: 2 })], { state })
    expect(standingOf([counts], [worker])[0]).toMatchObject({ workers, processedPerS: 2 })
  })
})

describe('the queues of an installation without Redis', () => {
  const run = (facts: Partial<RunFacts>): RunFacts => ({
    runId: 'r',
    startedAt: AT - 10_000,
    closedAt: null,
    scheduled: false,
    queued: 0,
    running: 0,
    ended: 0,
    failed: 0,
    lastEndAt: null,
    ...facts,
  })
  const syncOf = (runs: RunFacts[]) => countsOfRuns(runs, 4, AT).find(queue => queue.name === 'sync')

  test('are what the tenants of live runs wait for', () => {
    const runs = [
      run({ queued: 5, running: 2 }),
      run({ queued: 1, startedAt: AT - 30_000 }),
      run({ running: 1, startedAt: AT - 40_000 }),
    ]
    expect(syncOf(runs)).toEqual({
      name: 'sync',
      waiting: 6,
      active: 3,
      delayed: 0,
      failed: 4,
      paused: false,
      oldestWaitMs: 30_000,
    })
  })

  test('hold nothing of runs that are over or abandoned', () => {
    const runs = [run({ queued: 5, closedAt: AT }), run({ queued: 5, startedAt: AT - 3_600_000 })]
    expect(syncOf(runs)).toMatchObject({ waiting: 0, active: 0, oldestWaitMs: 0 })
  })

  test('are all named, in their order', () => {
    expect(countsOfRuns([], 0, AT).map(queue => queue.name)).toEqual(['sync', 'media', 'analytics', 'maintenance'])
  })
})
