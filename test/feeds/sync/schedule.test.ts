import { describe, expect, test } from 'vitest'
import type { Rhythm } from '../../../src/feeds/document.js'
import { type CheckFacts, nextCheck, readReasons, writeReasons } from '../../../src/feeds/schedule.js'

const MINUTE = 60_000
const HOUR = 60
const DAY = 24 * HOUR
/** A Thursday, 10:20:30 GMT. */
const NOW = Date.UTC(2026, 0, 1, 10, 20, 30)
const CALM: Rhythm = { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null }
const SUCCESS: CheckFacts = {
  outcome: 'new-version',
  failureCount: 0,
  code: null,
  retryAfterS: null,
  cacheMaxAgeS: null,
  rhythm: null,
  unchangedSinceMs: null,
  now: NOW,
}
const FAILURE: CheckFacts = { ...SUCCESS, outcome: 'failed', failureCount: 1, code: 'FEED_HTTP_STATUS' }

const rhythm = (own: Partial<Rhythm>) => ({ rhythm: { ...CALM, ...own } })
const gap = (minutes: number) => rhythm({ postIntervalMs: minutes * MINUTE })
const allHours = Array.from({ length: 24 }, (_, hour) => hour)
const decisive = (facts: CheckFacts, random = 0) => nextCheck(facts, random).reasons.filter(reason => reason.decides)

describe('after a success the next check', () => {
  test.each<[string, Partial<CheckFacts>, minutes: number, code: string]>([
    ['is in half an hour when nothing is known', {}, 30, 'default'],
    ['is in half an hour with a short ttl', rhythm({ ttlMinutes: 10 }), 30, 'default'],
    ['waits for a long ttl', rhythm({ ttlMinutes: 120 }), 120, 'ttl'],
    ['waits for sy:updatePeriod', rhythm({ updateMinutes: 180 }), 180, 'update-period'],
    ['waits for the freshness of the answer', { cacheMaxAgeS: 7200 }, 120, 'cache'],
    [
      'takes the longest of ttl, period and freshness',
      { ...rhythm({ ttlMinutes: 60, updateMinutes: 240 }), cacheMaxAgeS: 7200 },
      240,
      'update-period',
    ],
    ['is half the gap between posts away', gap(3 * HOUR), 90, 'posting-rate'],
    ['is ten minutes away for a post a minute', gap(1), 10, 'posting-rate'],
    ['is ten minutes away for many posts at one instant', gap(0), 10, 'posting-rate'],
    ['is twelve hours away for a post a month', gap(30 * DAY), 12 * HOUR, 'posting-rate'],
    ['waits for a ttl longer than the posts show', { ...rhythm({ ttlMinutes: 60, postIntervalMs: MINUTE }) }, 60, 'ttl'],
    [
      'follows the posts when the ttl is shorter',
      { ...rhythm({ ttlMinutes: 60, postIntervalMs: 8 * HOUR * MINUTE }) },
      240,
      'posting-rate',
    ],
    ['is a day away at most, whatever the ttl', rhythm({ ttlMinutes: 100_000 }), DAY, 'maximum'],
    ['is a day away at most, whatever the freshness', { cacheMaxAgeS: 31_536_000 }, DAY, 'maximum'],
    [
      'stays with the posts while the silence is short',
      { outcome: 'unchanged', unchangedSinceMs: 5 * HOUR * MINUTE, ...gap(2 * HOUR) },
      60,
      'posting-rate',
    ],
    [
      'drifts away while nothing changes',
      { outcome: 'unchanged', unchangedSinceMs: 5 * DAY * MINUTE, ...gap(2 * HOUR) },
      12 * HOUR,
      'quiet',
    ],
    ['drifts to a day for a feed that is dead', { outcome: 'unchanged', unchangedSinceMs: 900 * DAY * MINUTE }, DAY, 'quiet'],
    [
      'is back with the posts as soon as there is something new',
      { unchangedSinceMs: 900 * DAY * MINUTE, ...gap(2 * HOUR) },
      60,
      'posting-rate',
    ],
    ['ignores wishes of nonsense', { ...rhythm({ ttlMinutes: -5, updateMinutes: 0 }), cacheMaxAgeS: -1 }, 30, 'default'],
  ])('%s', (_name, facts, minutes, code) => {
    const all = { ...SUCCESS, ...facts }
    expect([(nextCheck(all, 0).atMs ?? 0) - NOW, decisive(all)]).toEqual([minutes * MINUTE, [expect.objectContaining({ code })]])
  })
})

describe('after a failure the next check', () => {
  test.each<[string, Partial<CheckFacts>, minutes: number, code: string]>([
    ['is in five minutes the first time', {}, 5, 'backoff'],
    ['is in ten the second time', { failureCount: 2 }, 10, 'backoff'],
    ['is in eighty the fifth time', { failureCount: 5 }, 80, 'backoff'],
    ['is in most of a day the ninth time', { failureCount: 9 }, 1280, 'backoff'],
    ['is in a day the tenth time', { failureCount: 10 }, DAY, 'backoff'],
    ['is in a day the thousandth time', { failureCount: 1000 }, DAY, 'backoff'],
    ['is no different for a timeout', { code: 'FEED_TIMEOUT' }, 5, 'backoff'],
    [
      'does not count what the feed asked for when it was well',
      { ...rhythm({ ttlMinutes: 600 }), cacheMaxAgeS: 7200 },
      5,
      'backoff',
    ],
    ['waits for Retry-After', { retryAfterS: 3600 }, 60, 'retry-after'],
    ['waits longer than a short Retry-After', { failureCount: 4, retryAfterS: 60 }, 40, 'backoff'],
    ['waits for a Retry-After of three days', { retryAfterS: 3 * 86_400 }, 3 * DAY, 'retry-after'],
    ['waits seven days at most, whatever Retry-After', { retryAfterS: 10_000_000 }, 7 * DAY, 'maximum'],
    ['is in fifteen minutes when requests are limited', { code: 'FEED_LIMITED' }, 15, 'limited'],
    ['is in an hour when they are limited the third time', { code: 'FEED_LIMITED', failureCount: 3 }, 60, 'limited'],
    ['is when the limiter says, if it says', { code: 'FEED_LIMITED', retryAfterS: 420 }, 7, 'retry-after'],
    ['is in six hours after a challenge', { code: 'FEED_CHALLENGED' }, 6 * HOUR, 'challenged'],
    ['is in a day after the third challenge', { code: 'FEED_CHALLENGED', failureCount: 3 }, DAY, 'challenged'],
  ])('%s', (_name, facts, minutes, code) => {
    const all = { ...FAILURE, ...facts }
    expect([(nextCheck(all, 0).atMs ?? 0) - NOW, decisive(all)]).toEqual([minutes * MINUTE, [expect.objectContaining({ code })]])
  })

  test('is never when the feed is gone for good', () => {
    const { atMs, reasons } = nextCheck({ ...FAILURE, code: 'FEED_GONE' }, 1)
    expect([atMs, reasons.map(({ code, decides }) => [code, decides])]).toEqual([null, [['gone', true]]])
  })
})

describe('hours and days that the feed excludes', () => {
  test.each<[string, Partial<Rhythm>, Partial<CheckFacts>, at: string, codes: string[]]>([
    ['do nothing to a time outside them', { skipHours: [11, 12], skipDays: [0] }, {}, '2026-01-01T10:50:30Z', ['default']],
    ['put it off to the end of the hour', { skipHours: [10] }, {}, '2026-01-01T11:00:00Z', ['default', 'skip-hours']],
    ['put it off to the end of several', { skipHours: [10, 11, 12, 14] }, {}, '2026-01-01T13:00:00Z', ['default', 'skip-hours']],
    [
      'put it off beyond midnight',
      { skipHours: allHours.filter(hour => hour !== 3) },
      {},
      '2026-01-02T03:00:00Z',
      ['default', 'skip-hours'],
    ],
    ['put it off to the next day', { skipDays: [4] }, {}, '2026-01-02T00:00:00Z', ['default', 'skip-days']],
    [
      'put it off over a week-end, then its early hours',
      { skipDays: [4, 5, 6, 0], skipHours: [0, 1, 2] },
      {},
      '2026-01-05T03:00:00Z',
      ['default', 'skip-days', 'skip-hours'],
    ],
    [
      'count in GMT',
      { skipHours: [23] },
      { now: Date.UTC(2026, 0, 1, 22, 45) },
      '2026-01-02T00:00:00Z',
      ['default', 'skip-hours'],
    ],
    [
      'hold for retries after failures too',
      { skipHours: [10] },
      { ...FAILURE },
      '2026-01-01T11:00:00Z',
      ['backoff', 'skip-hours'],
    ],
    [
      'come after the bound',
      { skipDays: [5], ttlMinutes: 99_999 },
      {},
      '2026-01-03T00:00:00Z',
      ['ttl', 'default', 'maximum', 'skip-days'],
    ],
    ['are ignored when they leave no hour', { skipHours: allHours }, {}, '2026-01-01T10:50:30Z', ['default']],
    ['are ignored when they leave no day', { skipDays: [0, 1, 2, 3, 4, 5, 6] }, {}, '2026-01-01T10:50:30Z', ['default']],
    [
      'are ignored when they are no hours',
      { skipHours: [24, -1, 10.5, Number.NaN], skipDays: [7] },
      {},
      '2026-01-01T10:50:30Z',
      ['default'],
    ],
  ])('%s', (_name, own, facts, at, codes) => {
    const { atMs, reasons } = nextCheck({ ...SUCCESS, ...facts, ...rhythm(own) }, 0)
    expect([new Date(atMs ?? 0).toISOString(), reasons.map(reason => reason.code)]).toEqual([at.replace('Z', '.000Z'), codes])
    expect(reasons.filter(reason => reason.decides)).toEqual([reasons.at(-1)])
  })

  test('are not entered by jitter', () => {
    const at = nextCheck({ ...SUCCESS, ...rhythm({ skipHours: [11], ttlMinutes: 39 }) }, 1).atMs
    expect(at).toBe(NOW + 39 * MINUTE)
  })
})

describe('every next check', () => {
  test('is put off by up to a tenth, so that sources do not bunch', () => {
    const waits = [0, 0.25, 0.5, 1].map(random => ((nextCheck(SUCCESS, random).atMs ?? 0) - NOW) / (30 * MINUTE))
    expect(waits).toEqual([1, 1.025, 1.05, 1.1])
    expect(nextCheck(SUCCESS, 0.5).reasons.at(-1)).toMatchObject({ code: 'jitter', ms: 90_000, decides: false })
  })

  test('lies between five minutes and a day and a tenth, has one reason that decides, and whole milliseconds', () => {
    const numbers = [null, 0, 1, 59.5, 700, 1e6, 1e12]
    for (const ttlMinutes of numbers)
      for (const cacheMaxAgeS of numbers)
        for (const postIntervalMs of numbers)
          for (const unchangedSinceMs of numbers) {
            const facts = {
              ...SUCCESS,
              outcome: 'unchanged' as const,
              cacheMaxAgeS,
              unchangedSinceMs,
              ...rhythm({ ttlMinutes, postIntervalMs }),
            }
            const { atMs, reasons } = nextCheck(facts, 1 / 3)
            const wait = (atMs ?? 0) - NOW
            expect(wait >= 5 * MINUTE && wait <= 1.1 * DAY * MINUTE && Number.isInteger(wait)).toBe(true)
            expect([
              reasons.filter(reason => reason.decides).length,
              reasons.every(reason => Number.isInteger(reason.ms)),
            ]).toEqual([1, true])
          }
  })

  test('has reasons that a row keeps and gives back; what is no reason is left out', () => {
    const { reasons } = nextCheck({ ...SUCCESS, ...rhythm({ ttlMinutes: 90, skipHours: [11] }) }, 0.5)
    expect(readReasons(writeReasons(reasons))).toEqual(reasons)
    expect([readReasons(null), readReasons('{'), readReasons('{}'), readReasons('[null, 1, ["ttl"], ["nonsense", 1]]')]).toEqual([
      [],
      [],
      [],
      [],
    ])
  })
})
