import { describe, expect, it } from 'vitest'
import { cacheMaxAgeS } from '../../../src/feeds/fetch/cache-age.js'
import { MAX_RETRY_AFTER_S, retryAfterS } from '../../../src/feeds/fetch/retry-after.js'

const NOW = Date.UTC(2026, 0, 1, 12)

describe('Retry-After', () => {
  it.each([
    [null, null],
    ['120', 120],
    [' 0 ', 0],
    ['99999999999', MAX_RETRY_AFTER_S],
    ['Thu, 01 Jan 2026 12:01:00 GMT', 60],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['Fri, 01 Jan 2100 00:00:00 GMT', MAX_RETRY_AFTER_S],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
  ])('%j is %s seconds', (header, seconds) => {
    expect(retryAfterS(header, NOW)).toBe(seconds)
  })
})

describe('freshness', () => {
  it.each([
    [null, null, null],
    ['max-age=60', null, 60],
    ['public, MAX-AGE="90"', null, 90],
    ['s-maxage=5, max-age=7', null, 7],
    ['s-maxage=5', null, null],
    ['no-store, max-age=60', null, null],
    ['no-cache', 'Thu, 01 Jan 2026 13:00:00 GMT', null],
    ['max-age=0', 'Thu, 01 Jan 2026 13:00:00 GMT', 0],
    [null, 'Thu, 01 Jan 2026 13:00:00 GMT', 3600],
    [null, 'Thu, 01 Jan 2026 11:00:00 GMT', null],
    [null, '0', null],
    ['max-age=999999999', null, MAX_RETRY_AFTER_S],
  ])('of %j and %j is %s seconds', (cacheControl, expires, seconds) => {
    expect(cacheMaxAgeS(cacheControl, expires, NOW)).toBe(seconds)
  })
})
