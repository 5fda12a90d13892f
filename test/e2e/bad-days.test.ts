import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasManyLoopbacks } from '../../src/bench/feed-server/addresses.js'
import type { FaultName } from '../../src/bench/feed-server/faults.js'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'
import { describeDrivers, type TestEnv } from '../support/drivers.js'
import { contentOf, type TenantContent } from './content.js'
import { type FeedJson, Installation, type SyncEnd } from './installation.js'
import { type Publisher, startPublisher } from './publisher.js'

const manyLoopbacks = await hasManyLoopbacks()
const GOOD = [1, 2, 3, 4, 5, 6]
const ITEMS = 4
/** A document that breaks before its first item is whole. */
const BROKEN = '<?xml version="1.0"?><rss version="2.0"><channel><title>Broken</titel></channel></rss>'

/** What the report and the list of feeds say of each. */
const DAYS: Readonly<Record<string, { fault: FaultName; query?: string; code: string }>> = {
  'a 404': { fault: 'status-404', code: 'FEED_HTTP_STATUS' },
  'a 410': { fault: 'status-410', code: 'FEED_GONE' },
  'a 429': { fault: 'status-429', code: 'FEED_LIMITED' },
  'a 500': { fault: 'status-500', code: 'FEED_HTTP_STATUS' },
  'a 503 with Retry-After': { fault: 'status-503-retry-after', code: 'FEED_LIMITED' },
  'a hang': { fault: 'hang', code: 'FEED_TIMEOUT' },
  'a body that drips': { fault: 'slow', code: 'FEED_TIMEOUT' },
  'a cut connection': { fault: 'cut', code: 'FEED_CUT' },
  'an endless body': { fault: 'endless', code: 'FEED_TOO_LARGE' },
  'a gzip bomb': { fault: 'bomb-gzip', code: 'FEED_TOO_LARGE' },
  'a brotli bomb': { fault: 'bomb-br', code: 'FEED_TOO_LARGE' },
  'a redirect loop': { fault: 'redirect-loop', code: 'FEED_REDIRECTS' },
  'a redirect to a private address': { fault: 'redirect-private', query: '?to=http://10.0.0.1/', code: 'ADDRESS_REFUSED' },
  'HTML instead of a feed': { fault: 'html', code: 'FEED_NOT_A_FEED' },
  'an empty body': { fault: 'empty', code: 'FEED_EMPTY' },
  garbage: { fault: 'garbage', code: 'FEED_UNREADABLE' },
}

/** Odd feeds that a reader still wants, and how many posts they have. */
const STORED: Readonly<Record<string, { fault: FaultName; posts: number }>> = {
  'a 1.6 MB podcast': { fault: 'podcast', posts: 420 },
  'malformed XML after five whole items': { fault: 'malformed', posts: 6 },
  'undeclared ISO-8859-1': { fault: 'latin1', posts: 2 },
  'UTF-16': { fault: 'utf16', posts: 2 },
}

describeDrivers('a bad day', (env, combination) => {
  let server: FeedServer
  let publisher: Publisher
  let installation: Installation
  let end: SyncEnd
  let feeds: FeedJson[]
  let content: TenantContent

  beforeAll(async () => {
    server = await startFeedServer({ items: ITEMS })
    publisher = await startPublisher((_path, response) => response.end(BROKEN))
    const settings = { ...withoutData(env), FEEDCTL_FETCH_TIMEOUT_MS: '15000', FEEDCTL_FETCH_PER_HOST: '64' }
    installation = await Installation.create(settings)
    const bad = Object.values(DAYS).map(day => server.faultUrl(day.fault) + (day.query ?? ''))
    const odd = Object.values(STORED).map(({ fault }) => server.faultUrl(fault))
    const good = GOOD.map(source => server.urlOf(source))
    await installation.createTenant('acme', [...bad, publisher.urlOf('/broken.xml'), ...odd, ...good])
    await installation.startWorkers(1)
    end = await installation.sync('acme')
    feeds = await installation.feeds('acme')
    content = (await contentOf(installation)).acme ?? { feeds: [], posts: [] }
  })

  afterAll(async () => {
    await installation[Symbol.asyncDispose]()
    await publisher[Symbol.asyncDispose]()
    await server.close()
  })

  const expectFailed = (url: string, code: string) => {
    expect(end.report.failures.filter(failure => failure.url === url)).toMatchObject([{ tenant: 'acme', url, code }])
    const feed = feeds.find(each => each.url === url)
    expect(feed?.failure).toMatchObject({ code, count: 1 })
    expect(feed?.stored_at).toBeNull()
    if (code === 'FEED_GONE') {
      expect(feed?.next_check_at).toBeNull()
      return
    }
    expect(Date.parse(feed?.next_check_at ?? '')).toBeGreaterThan(Date.parse(feed?.checked_at ?? ''))
    expect(Date.parse(feed?.next_check_at ?? '')).toBeGreaterThan(Date.now())
  }

  const expectStored = (url: string, posts: number) => {
    expect(content.posts.filter(post => post.feed === url)).toHaveLength(posts)
    expect(feeds.find(feed => feed.url === url)).toMatchObject({ failure: null, stored_at: expect.any(String) })
  }

  for (const [name, { fault, query = '', code }] of Object.entries(DAYS)) {
    test(`with ${name} gives the feed the code ${code} and a next check`, () => {
      expectFailed(server.faultUrl(fault) + query, code)
    })
  }

  test('with XML that breaks before its first item gives the feed the code FEED_UNREADABLE and a next check', () => {
    expectFailed(publisher.urlOf('/broken.xml'), 'FEED_UNREADABLE')
  })

  for (const [name, { fault, posts }] of Object.entries(STORED)) {
    test(`with ${name} stores its ${posts} posts`, () => {
      expectStored(server.faultUrl(fault), posts)
    })
  }

  test('stores the good feeds beside the bad ones, and says so with exit status 6', () => {
    for (const source of GOOD) expectStored(server.urlOf(source), ITEMS)
    const failed = Object.keys(DAYS).length + 1
    expect(end).toMatchObject({ exit: 6, report: { tenants: { total: 1, ok: 1, failed: 0, skipped: 0 } } })
    expect(end.report.feeds).toMatchObject({ failed, new_version: GOOD.length + Object.keys(STORED).length })
    expect(end.err).toContain('PARTIAL')
  })

  test(`asks none of them again before its time (${combination})`, async () => {
    server.resetStats()
    const again = await installation.sync('acme')
    expect(again).toMatchObject({ exit: 0, report: { feeds: { not_due: feeds.length, failed: 0 } } })
    expect(server.stats().requests).toBe(0)
    expect(await contentOf(installation)).toEqual({ acme: content })
  })
})

describe('an address that is not public', () => {
  test('is refused when nothing allows it, and not asked', async () => {
    await using server = await startFeedServer({ items: ITEMS })
    await using installation = await Installation.create({ FEEDCTL_FETCH_ALLOW: '' })
    await installation.createTenant('acme', [server.urlOf(1)])
    const { exit, report } = await installation.sync('acme')
    expect(exit).toBe(6)
    expect(report.failures).toMatchObject([{ url: server.urlOf(1), code: 'ADDRESS_REFUSED' }])
    expect(server.stats().requests).toBe(0)
  })

  test.skipIf(!manyLoopbacks)('is refused when a redirect leads there', async () => {
    await using inside = await startFeedServer({ items: ITEMS })
    await using outside = await startFeedServer({ host: '127.0.0.2', items: ITEMS })
    await using installation = await Installation.create({ FEEDCTL_FETCH_ALLOW: '127.0.0.2' })
    const url = `${outside.faultUrl('redirect-private')}?to=${inside.urlOf(1)}`
    await installation.createTenant('acme', [url, outside.urlOf(1)])
    const { report } = await installation.sync('acme')
    expect(report.failures).toMatchObject([{ url, code: 'ADDRESS_REFUSED' }])
    expect(report.posts.new).toBe(ITEMS)
    expect(inside.stats().requests).toBe(0)
  })
})

function withoutData(env: TestEnv): TestEnv {
  const { FEEDCTL_DATA: _data, ...settings } = env
  return settings
}
