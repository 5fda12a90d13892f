import { describe, expect, test } from 'vitest'
import {
  givesUp,
  isAsTold,
  isRecycled,
  isRefusal,
  type ProcessEnd,
  restartAfter,
} from '../../../src/queues/supervisor/restarts.js'

const LIMIT: ProcessEnd = { exit: 0, livedMs: 3_600_000, jobs: 1_000 }
const CRASH: ProcessEnd = { exit: 1, livedMs: 900, jobs: 0 }
const KILLED: ProcessEnd = { exit: null, livedMs: 5_000, jobs: 3 }

describe('a worker that ended', () => {
  test.each<[name: string, deaths: number, end: ProcessEnd, after: { deaths: number; delayMs: number }]>([
    ['by a limit is replaced at once', 0, LIMIT, { deaths: 0, delayMs: 0 }],
    ['by a limit, after others died, is replaced at once', 7, LIMIT, { deaths: 0, delayMs: 0 }],
    ['after its one job is replaced at once', 0, { exit: 0, livedMs: 700, jobs: 1 }, { deaths: 0, delayMs: 0 }],
    [
      'well, but before it did anything, is replaced with delay',
      2,
      { exit: 0, livedMs: 700, jobs: 0 },
      { deaths: 3, delayMs: 2_000 },
    ],
    ['badly is replaced with delay', 0, CRASH, { deaths: 1, delayMs: 500 }],
    ['badly again is replaced with more', 3, CRASH, { deaths: 4, delayMs: 4_000 }],
    ['badly for the hundredth time is replaced after a minute', 99, CRASH, { deaths: 100, delayMs: 60_000 }],
    ['after it lived a minute counts as the first', 9, { ...CRASH, livedMs: 60_000 }, { deaths: 1, delayMs: 500 }],
    ['after it did some jobs counts as the first', 9, KILLED, { deaths: 1, delayMs: 500 }],
  ])('%s', (_name, deaths, end, after) => {
    expect(restartAfter(deaths, end, 1)).toEqual(after)
  })

  test('does not wait longer for a luckier number', () => {
    expect(restartAfter(0, CRASH, 0).delayMs).toBe(250)
  })

  test('by a limit is told from one that died', () => {
    expect([LIMIT, CRASH, KILLED].map(isRecycled)).toEqual([true, false, false])
  })

  test('as it was told to is told from one that went by itself', () => {
    const statuses = [null, 0, 1, 2, 3, 5, 130, 134, 143]
    expect(statuses.filter(exit => isAsTold({ ...CRASH, exit }))).toEqual([0, 130, 143])
  })

  test('for its settings or its command line refuses; three in a row are enough', () => {
    const statuses = [null, 0, 1, 2, 3, 4, 5, 143]
    expect(statuses.filter(exit => isRefusal({ ...CRASH, exit }))).toEqual([2, 3])
    expect([0, 1, 2, 3].map(givesUp)).toEqual([false, false, false, true])
  })
})
