import { describe, expect, test } from 'vitest'
import { type CheckFacts, nextCheckInMs } from '../../../src/feeds/schedule.js'

const SUCCESS: CheckFacts = { failureCount: 0, retryAfterS: null, cacheMaxAgeS: null, ttlMinutes: null, gone: false }
const DAY = 24 * 60

describe('the next check of a source', () => {
  test.each<[string, Partial<CheckFacts>, minutes: number]>([
    ['that says nothing is in half an hour', {}, 30],
    ['with a short ttl is in half an hour all the same', { ttlMinutes: 10 }, 30],
    ['with a long ttl waits as long as that', { ttlMinutes: 120 }, 120],
    ['with a response fresh for a minute is in half an hour', { cacheMaxAgeS: 60 }, 30],
    ['with a response fresh for two hours waits as long as that', { cacheMaxAgeS: 7200 }, 120],
    ['takes the longer of ttl and freshness', { cacheMaxAgeS: 7200, ttlMinutes: 180 }, 180],
    ['is never more than a day away, whatever the ttl', { ttlMinutes: 100_000 }, DAY],
    ['is never more than a day away, whatever the freshness', { cacheMaxAgeS: 31_536_000 }, DAY],
    ['that failed once is in five minutes', { failureCount: 1 }, 5],
    ['that failed twice is in ten', { failureCount: 2 }, 10],
    ['that failed five times is in eighty', { failureCount: 5 }, 80],
    ['that failed nine times is in most of a day', { failureCount: 9 }, 1280],
    ['that failed ten times is in a day', { failureCount: 10 }, DAY],
    ['that failed a thousand times is in a day', { failureCount: 1000 }, DAY],
    ['waits for Retry-After', { failureCount: 1, retryAfterS: 3600 }, 60],
    ['waits longer than a short Retry-After', { failureCount: 4, retryAfterS: 60 }, 40],
    ['is never more than a day away, whatever Retry-After', { failureCount: 1, retryAfterS: 10_000_000 }, DAY],
    ['that is gone for good is in a day', { failureCount: 1, gone: true }, DAY],
    ['ignores a ttl of nonsense', { ttlMinutes: -5 }, 30],
  ])('%s', (_name, facts, minutes) => {
    expect(nextCheckInMs({ ...SUCCESS, ...facts }, 0)).toBe(minutes * 60_000)
  })

  test('is put off by up to a tenth, so that sources do not bunch', () => {
    const shares = [0, 0.25, 0.5, 1].map(random => nextCheckInMs(SUCCESS, random) / nextCheckInMs(SUCCESS, 0))
    expect(shares).toEqual([1, 1.025, 1.05, 1.1])
  })

  test('is a whole number of milliseconds', () => {
    for (const random of [0.123456789, 0.333333333]) expect(Number.isInteger(nextCheckInMs(SUCCESS, random))).toBe(true)
  })
})
