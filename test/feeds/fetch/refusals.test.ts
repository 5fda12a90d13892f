import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../../../src/feeds/fetch/refusals.js'
import { ANSWERS } from './answers.js'
import { fetchOnce } from './fetchers.js'
import { openPublisher, type Publisher } from './publisher.js'

describe('an answer', () => {
  it.each<[number, Record<string, string>, string, string | null]>([
    [403, { 'cf-mitigated': 'challenge' }, 'a.example', 'challenged'],
    [503, { 'cf-mitigated': 'Challenge', 'retry-after': '5' }, 'a.example', 'challenged'],
    [200, { 'cf-mitigated': 'block' }, 'a.example', null],
    [202, { 'x-amzn-waf-action': 'challenge' }, 'a.example', 'challenged'],
    [405, { 'x-amzn-waf-action': 'captcha' }, 'a.example', 'challenged'],
    [429, { 'x-vercel-mitigated': 'challenge' }, 'a.example', 'challenged'],
    [403, { 'x-vercel-mitigated': 'deny' }, 'a.example', null],
    [202, { 'sg-captcha': 'challenge' }, 'a.example', 'challenged'],
    [429, {}, 'a.example', 'limited'],
    [429, { 'retry-after': 'soon' }, 'a.example', 'limited'],
    [503, { 'retry-after': '5' }, 'a.example', 'limited'],
    [503, {}, 'a.example', null],
    [500, { 'retry-after': '5' }, 'a.example', null],
    [403, {}, 'www.reddit.com', 'limited'],
    [403, {}, 'reddit.com', 'limited'],
    [403, {}, 'old.reddit.com.:443', 'limited'],
    [403, {}, 'notreddit.com', null],
    [403, {}, 'reddit.com.example', null],
    [404, {}, 'www.reddit.com', null],
    [403, {}, 'a.example', null],
    [200, { 'retry-after': '5' }, 'a.example', null],
  ])('%i with %j of %s is %s', (status, headers, host, refusal) => {
    expect(refusalOf(status, name => headers[name] ?? null, host)).toBe(refusal)
  })
})

describe('a refusal over the wire', () => {
  let publisher: Publisher
  beforeAll(async () => {
    publisher = await openPublisher(ANSWERS)
  })
  afterAll(() => publisher.close())

  it.each([
    ['/busy', 'FEED_LIMITED', 503, 120],
    ['/busy-without-time', 'FEED_HTTP_STATUS', 503, null],
    ['/many', 'FEED_LIMITED', 429, 30],
    ['/many-without-time', 'FEED_LIMITED', 429, null],
    ['/challenge', 'FEED_CHALLENGED', 403, null],
    ['/challenge-503', 'FEED_CHALLENGED', 503, 9],
    ['/challenge-202', 'FEED_CHALLENGED', 202, null],
    ['/gone', 'FEED_GONE', 410, null],
  ])('%s is %s', async (path, code, status, retryAfterS) => {
    expect(await fetchOnce(publisher.url + path)).toMatchObject({
      kind: 'failed',
      failure: { code },
      status,
      retryAfterS,
      host: `127.0.0.1:${publisher.port}`,
    })
  })
})
