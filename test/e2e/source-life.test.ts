import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasManyLoopbacks } from '../../src/bench/feed-server/addresses.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDrivers, sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { Installation } from './installation.js'
import { type Publisher, startPublisher } from './publisher.js'

const manyLoopbacks = await hasManyLoopbacks()
const ROOMY_MS = 180_000

function rss(title: string, guids: readonly string[]): string {
  const items = guids.map(
    guid => `<item><title>${guid}</title><guid>${guid}</guid><link>https://site.example/${guid}</link></item>`,
  )
  return `<?xml version="1.0"?><rss version="2.0"><channel><title>${title}</title>${items.join('')}</channel></rss>`
}

const FEED = rss('News', ['c', 'b', 'a'])

type Answers = Record<string, (response: ServerResponse) => void>

const feed =
  (document = FEED) =>
  (response: ServerResponse) =>
    void response.writeHead(200, { 'content-type': 'application/rss+xml' }).end(document)
const sendTo = (status: number, path: string) => (response: ServerResponse) =>
  void response.writeHead(status, { location: path }).end()
const status =
  (code: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end('no')

/** A publisher whose answers the test changes as it goes. */
async function publisherWith(answers: Answers, at: { host?: string; port?: number } = {}): Promise<Publisher> {
  return startPublisher((path, response) => (answers[path] ?? status(404))(response), at)
}

async function installed(env: TestEnv, more: TestEnv = {}): Promise<Installation> {
  const { FEEDCTL_DATA: _own, ...settings } = env
  const installation = await Installation.create({ ...settings, ...more })
  await installation.startWorkers(1)
  return installation
}

/** The same drivers under names that nothing else has. */
function apart(env: TestEnv): TestEnv {
  const mariadb = env.DB_CONNECTION === 'mysql' ? sharedMariadbEnv() : {}
  const redis = env.QUEUE_CONNECTION === 'redis' ? sharedRedisEnv() : {}
  return { ...env, ...mariadb, ...redis }
}

async function postsOf(installation: Installation, slug: string): Promise<{ id: number; feed_id: number; guid: string }[]> {
  await using app = await installation.open()
  const tenant = await getTenant(app.catalog, parseSlug(slug))
  return await withTenant(app.catalog, tenant, tables => tables.posts().select(['id', 'feed_id', 'guid']).orderBy('id').execute())
}

describeDrivers('the life of a source', env => {
  /** Of all tests but that of an outage: sources, and tenants under names of their own, do not meet. */
  let installation: Installation
  beforeAll(async () => {
    installation = await installed(env)
  })
  afterAll(() => installation[Symbol.asyncDispose]())

  test('a redirect for good is believed at the third time, and feeds follow it with their posts', {
    timeout: ROOMY_MS,
  }, async () => {
    const answers: Answers = { '/old.xml': sendTo(301, '/new.xml'), '/new.xml': feed() }
    await using publisher = await publisherWith(answers)
    const [from, to] = [publisher.urlOf('/old.xml'), publisher.urlOf('/new.xml')]
    await installation.createTenant('moved-1', [from], ['--placement', 'shared'])
    await installation.createTenant('moved-2', [from, to], ['--placement', 'shared'])
    const urls = async (slug: string) => (await installation.feeds(slug)).map(each => each.url)
    for (let times = 0; times < 2; times++) {
      expect(await installation.sync('moved-1', 'moved-2', '--force')).toMatchObject({ exit: 0 })
      expect(await urls('moved-1')).toEqual([from])
    }
    const before = await postsOf(installation, 'moved-1')
    expect(before.map(post => post.guid)).toEqual(['a', 'b', 'c'])
    expect((await postsOf(installation, 'moved-2')).map(post => post.guid)).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])

    expect(await installation.sync('moved-1', 'moved-2', '--force')).toMatchObject({ exit: 0 })
    publisher.asked.length = 0
    answers['/new.xml'] = feed(rss('News', ['d', 'c', 'b', 'a']))
    expect((await installation.sync('moved-1', 'moved-2', '--force')).report).toMatchObject({
      feeds: { failed: 0 },
      posts: { new: 2, updated: 0 },
    })
    expect(publisher.asked).toEqual(['/new.xml'])
    expect(await urls('moved-1')).toEqual([to])
    expect(await urls('moved-2')).toEqual([to])
    expect((await postsOf(installation, 'moved-1')).slice(0, 3)).toEqual(before)
    // The posts of two feeds that became one: each of them once.
    expect((await postsOf(installation, 'moved-2')).map(post => post.guid).sort()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('a source that moved to one that had been retired brings it back, and the old URL leads to it from then on', {
    timeout: ROOMY_MS,
  }, async () => {
    const answers: Answers = { '/old.xml': sendTo(308, '/new.xml'), '/new.xml': status(410) }
    await using publisher = await publisherWith(answers)
    const [from, to] = [publisher.urlOf('/old.xml'), publisher.urlOf('/new.xml')]
    await installation.createTenant('revived-2', [to])
    expect((await installation.sync('revived-2')).report.failures).toMatchObject([{ code: 'FEED_GONE' }])
    answers['/new.xml'] = feed()
    await installation.createTenant('revived-1', [from])
    for (let times = 0; times < 3; times++) expect(await installation.sync('revived-1', '--force')).toMatchObject({ exit: 0 })
    expect(await installation.feeds('revived-1')).toMatchObject([{ url: to, state: 'active', failure: null }])
    expect((await installation.sync('revived-2')).report).toMatchObject({
      feeds: { failed: 0, new_version: 1 },
      posts: { new: 3 },
    })
    await installation.createTenant('revived-3', [from])
    await installation.sync('revived-3')
    expect(await installation.feeds('revived-3')).toMatchObject([{ url: to }])
  })

  test('a redirect for now is followed and never believed', async () => {
    await using publisher = await publisherWith({
      '/old.xml': sendTo(302, '/new.xml'),
      '/307.xml': sendTo(307, '/new.xml'),
      '/new.xml': feed(),
    })
    const urls = [publisher.urlOf('/old.xml'), publisher.urlOf('/307.xml')]
    await installation.createTenant('lent-1', urls)
    for (let times = 0; times < 5; times++) expect(await installation.sync('lent-1', '--force')).toMatchObject({ exit: 0 })
    expect((await installation.feeds('lent-1')).map(each => each.url)).toEqual(urls)
  })

  test('a feed that is gone is not asked again, unless forced, and comes back when its publisher does', async () => {
    const answers: Answers = { '/feed.xml': status(410) }
    await using publisher = await publisherWith(answers)
    await installation.createTenant('gone-1', [publisher.urlOf('/feed.xml')])
    expect((await installation.sync('gone-1')).report.failures).toMatchObject([{ code: 'FEED_GONE' }])
    expect(await installation.feeds('gone-1')).toMatchObject([{ failure: { code: 'FEED_GONE' }, next_check_at: null }])
    expect((await installation.sync('gone-1')).report).toMatchObject({
      feeds: { not_due: 1, failed: 0 },
      sources: { requests: 0 },
    })
    answers['/feed.xml'] = feed()
    expect((await installation.sync('gone-1', '--force')).report).toMatchObject({ posts: { new: 3 }, feeds: { failed: 0 } })
    expect(await installation.feeds('gone-1')).toMatchObject([{ failure: null }])
    expect((await installation.feeds('gone-1'))[0]?.next_check_at).not.toBeNull()
  })

  test('a feed that is gone is asked again when somebody subscribes to it', async () => {
    const answers: Answers = { '/feed.xml': status(410) }
    await using publisher = await publisherWith(answers)
    await installation.createTenant('wanted-1', [publisher.urlOf('/feed.xml')])
    await installation.sync('wanted-1')
    answers['/feed.xml'] = feed()
    await installation.createTenant('wanted-2', [publisher.urlOf('/feed.xml')])
    expect((await installation.sync('wanted-2')).report).toMatchObject({ posts: { new: 3 } })
    expect(await installation.feeds('wanted-1')).toMatchObject([{ state: 'active' }])
  })

  test('a redirect to a host without a name fails alone', async () => {
    await using publisher = await publisherWith({ '/evil.xml': sendTo(302, 'http://./'), '/feed.xml': feed() })
    await installation.createTenant('lost-1', [publisher.urlOf('/evil.xml'), publisher.urlOf('/feed.xml')])
    const { exit, report } = await installation.sync('lost-1')
    expect(exit).toBe(6)
    expect(report).toMatchObject({ tenants: { ok: 1 }, posts: { new: 3 }, failures: [{ code: 'FEED_REDIRECTS' }] })
  })

  test('a feed that fails is asked later and later, and recovers by itself', async () => {
    const answers: Answers = { '/feed.xml': status(500) }
    await using publisher = await publisherWith(answers)
    await installation.createTenant('late-1', [publisher.urlOf('/feed.xml')])
    const waits: number[] = []
    for (const code of [401, 403, 404, 500, 502]) {
      answers['/feed.xml'] = status(code)
      expect((await installation.sync('late-1', '--force')).report.failures).toMatchObject([{ code: 'FEED_HTTP_STATUS' }])
      const [listed] = await installation.feeds('late-1')
      waits.push(Date.parse(listed?.next_check_at ?? '') - Date.parse(listed?.checked_at ?? ''))
    }
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(2 ** index * 5 * 60_000)
      expect(wait).toBeLessThanOrEqual(2 ** index * 5 * 60_000 * 1.1)
    }
    answers['/feed.xml'] = feed()
    expect((await installation.sync('late-1', '--force')).report).toMatchObject({ posts: { new: 3 } })
    expect(await installation.feeds('late-1')).toMatchObject([{ failure: null }])
  })

  test.runIf(manyLoopbacks)('a host that asks for quiet gets it from all its feeds, and the others are asked', async () => {
    const answers: Answers = { '/1.xml': status(429, { 'retry-after': '3600' }), '/2.xml': feed(), '/3.xml': feed() }
    await using limited = await publisherWith(answers, { host: '127.0.0.3' })
    await using other = await publisherWith({ '/1.xml': feed() }, { host: '127.0.0.4' })
    await installation.createTenant('quiet-1', [limited.urlOf('/1.xml')])
    expect((await installation.sync('quiet-1')).report.failures).toMatchObject([{ code: 'FEED_LIMITED' }])
    await installation.createTenant('quiet-2', [limited.urlOf('/2.xml'), limited.urlOf('/3.xml'), other.urlOf('/1.xml')])
    limited.asked.length = 0
    const { report } = await installation.sync('quiet-2')
    expect(report).toMatchObject({ feeds: { not_due: 2, new_version: 1, failed: 0 }, posts: { new: 3 } })
    expect(limited.asked).toEqual([])
    const [first, second] = await installation.feeds('quiet-2')
    for (const quiet of [first, second]) {
      expect(quiet?.failure).toBeNull()
      expect(Date.parse(quiet?.next_check_at ?? '')).toBeGreaterThan(Date.now() + 50 * 60_000)
    }
  })

  test.runIf(manyLoopbacks)(
    'a feed that has failed for long keeps its host quiet no longer than its publisher asks',
    async () => {
      const answers: Answers = { '/1.xml': status(500), '/2.xml': feed() }
      await using publisher = await publisherWith(answers, { host: '127.0.0.5' })
      await installation.createTenant('patient-1', [publisher.urlOf('/1.xml')])
      for (let times = 0; times < 5; times++) await installation.sync('patient-1', '--force')
      answers['/1.xml'] = status(429, { 'retry-after': '2' })
      await installation.sync('patient-1', '--force')
      await installation.createTenant('patient-2', [publisher.urlOf('/2.xml')])
      const [waiting] = await installation.feeds('patient-2')
      expect(Date.parse(waiting?.next_check_at ?? '1970-01-01')).toBeLessThanOrEqual(Date.now() + 2_000)
      await expect
        .poll(async () => (await installation.sync('patient-2')).report.posts.new, { timeout: 10_000, interval: 300 })
        .toBe(3)
    },
  )

  test.runIf(manyLoopbacks)('an outage here marks no feed as failing, and is over when the network is back', async () => {
    const hosts = Array.from({ length: 8 }, (_, index) => `127.0.0.${11 + index}`)
    const publishers = await Promise.all(hosts.map(host => publisherWith({ '/feed.xml': feed() }, { host })))
    await using installation = await installed(apart(env), { FEEDCTL_OUTAGE_PATIENCE_S: '0' })
    const urls = publishers.map(publisher => publisher.urlOf('/feed.xml'))
    await installation.createTenant('acme', urls)
    expect(await installation.sync('acme')).toMatchObject({ exit: 0 })
    const before = await installation.feeds('acme')
    await Promise.all(publishers.map(publisher => publisher[Symbol.asyncDispose]()))

    const dark = await installation.sync('acme', '--force')
    expect(dark).toMatchObject({ exit: 5, report: { feeds: { failed: 0, not_due: 8 }, outage: { feeds: 8 }, failures: [] } })
    expect(dark.err).toContain('cannot be reached from here')
    expect(await installation.feeds('acme')).toEqual(before)

    const back = await Promise.all(
      urls.map(url => publisherWith({ '/feed.xml': feed() }, { host: new URL(url).hostname, port: Number(new URL(url).port) })),
    )
    // A worker that has just learned of the outage asks again a moment later.
    await expect.poll(async () => (await installation.sync('acme', '--force')).exit, { timeout: 20_000, interval: 500 }).toBe(0)
    expect((await installation.feeds('acme')).map(each => each.failure)).toEqual(urls.map(() => null))
    await Promise.all(back.map(publisher => publisher[Symbol.asyncDispose]()))
  })
})

describe('dead publishers', () => {
  test.runIf(manyLoopbacks)('are told as failures while others answer', async () => {
    await using alive = await publisherWith({ '/feed.xml': feed() })
    await using installation = await installed({ DB_CONNECTION: 'sqlite', CACHE_DRIVER: 'memory', QUEUE_CONNECTION: 'sync' })
    const dead = Array.from({ length: 20 }, (_, index) => `http://127.0.0.${31 + index}:9/feed.xml`)
    await installation.createTenant('acme', [alive.urlOf('/feed.xml'), ...dead])
    const { exit, report } = await installation.sync('acme')
    expect(exit).toBe(6)
    expect(report).toMatchObject({ feeds: { failed: 20, new_version: 1 }, outage: { feeds: 0 } })
  })
})
