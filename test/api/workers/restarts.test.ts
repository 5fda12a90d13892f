import { describe, expect, test } from 'vitest'
import { givesUp, restartAfter, WELL_MS } from '../../../src/api/workers/restarts.js'

describe('a worker that died', () => {
  test('is replaced at once when it was well', () => {
    expect(restartAfter(4, WELL_MS, 1)).toEqual({ deaths: 0, delayMs: 0 })
  })

  test.each([
    [0, null, { deaths: 1, delayMs: 200 }],
    [0, 100, { deaths: 1, delayMs: 200 }],
    [1, WELL_MS - 1, { deaths: 2, delayMs: 400 }],
    [3, null, { deaths: 4, delayMs: 1600 }],
    [40, null, { deaths: 41, delayMs: 30_000 }],
  ])('young, after %i others, having served for %s ms, is replaced later each time', (deaths, servedMs, expected) => {
    expect(restartAfter(deaths, servedMs, 1)).toEqual(expected)
  })

  test('is the end of all when the five before it were young too, and none serves', () => {
    expect([givesUp(4, 0), givesUp(5, 0), givesUp(5, 1), givesUp(100, 1)]).toEqual([false, true, false, false])
  })
})
