import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'
import { describeDrivers, sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { contentOf, countPosts } from './content.js'
import { Installation, type SyncEnd } from './installation.js'

const TENANTS = 8
const FEEDS_EACH = 6
const SOURCES = 12
const ITEMS = 5

/** Tenants that draw their feeds from the same few sources, each source in several of them. */
async function subscribeAll(installation: Installation, server: FeedServer): Promise<void> {
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    const urls = Array.from({ length: FEEDS_EACH }, (_, index) => server.urlOf((tenant * 5 + index * 2) % SOURCES))
    expect(new Set(urls).size).toBe(FEEDS_EACH)
    await installation.createTenant(`acme-${tenant}`, urls, tenant % 2 === 0 ? ['--placement', 'shared'] : [])
  }
}

describeDrivers('sources shared by tenants', env => {
  let server: FeedServer
  let installation: Installation
  let cold: { readonly end: SyncEnd; readonly asked: Readonly<Record<string, number>> }
  beforeAll(async () => {
    server = await startFeedServer({ items: ITEMS })
    installation = await Installation.create(settingsOf(env))
    await subscribeAll(installation, server)
    await installation.startWorkers(2)
    cold = { end: await installation.sync('--all'), asked: { ...server.stats().byPath } }
  })
  afterAll(async () => {
    await installation[Symbol.asyncDispose]()
    await server.close()
  })

  test('are asked once for everyone, not at all while not due, and conditionally when forced', async () => {
    expect(cold.end).toMatchObject({ exit: 0, report: { tenants: { total: TENANTS, ok: TENANTS } } })
    expect(cold.end.report).toMatchObject({
      feeds: { total: TENANTS * FEEDS_EACH, new_version: TENANTS * FEEDS_EACH },
      sources: { distinct: SOURCES, requests: SOURCES },
      posts: { new: TENANTS * FEEDS_EACH * ITEMS, updated: 0 },
    })
    expect(cold.asked).toEqual(Object.fromEntries(pathsOf(SOURCES).map(path => [path, 1])))
    const content = await contentOf(installation)

    server.resetStats()
    const warm = await installation.sync('--all')
    expect(warm.report).toMatchObject({
      feeds: { not_due: TENANTS * FEEDS_EACH, new_version: 0 },
      sources: { requests: 0 },
      posts: { new: 0, updated: 0 },
    })
    expect(server.stats().requests).toBe(0)

    const forced = await installation.sync('--all', '--force')
    expect(forced.report).toMatchObject({
      feeds: { unchanged: TENANTS * FEEDS_EACH, new_version: 0 },
      sources: { requests: SOURCES, not_modified: SOURCES },
      posts: { new: 0, updated: 0 },
    })
    expect(server.stats()).toMatchObject({ requests: SOURCES, notModified: SOURCES })
    expect(await contentOf(installation)).toEqual(content)
  })

  test('bring a new edition to each of their tenants and to nobody else', async () => {
    const before = await contentOf(installation)

    server.advanceEdition(3)
    server.resetStats()
    const { report } = await installation.sync('--all', '--force')
    const after = await contentOf(installation)
    const subscribers = Object.keys(after).filter(slug => after[slug]?.feeds.some(feed => feed.url === server.urlOf(3)))
    expect(subscribers.length).toBeGreaterThan(1)
    expect(report).toMatchObject({
      feeds: { new_version: subscribers.length, unchanged: TENANTS * FEEDS_EACH - subscribers.length },
      sources: { requests: SOURCES, not_modified: SOURCES - 1 },
      posts: { new: subscribers.length, updated: subscribers.length },
    })
    for (const slug of Object.keys(after)) {
      if (!subscribers.includes(slug)) expect(after[slug]).toEqual(before[slug])
    }
  })

  test('are given to a tenant that subscribes later, although they are not due', async () => {
    const urls = [server.urlOf(SOURCES), server.urlOf(SOURCES + 1)]
    await installation.createTenant('early', urls)
    await installation.sync('early')
    server.resetStats()

    await installation.createTenant('late', urls)
    const { exit, report } = await installation.sync('early', 'late')
    expect(exit).toBe(0)
    expect(report.posts).toEqual({ new: 2 * ITEMS, updated: 0 })
    const { early, late } = await contentOf(installation)
    expect(late).toEqual(early)
    // A cache of one process's own is gone with it: the documents are asked for once more, without validators.
    const asked = env.CACHE_DRIVER === 'redis' ? 0 : 2
    expect(server.stats()).toMatchObject({ requests: asked, notModified: 0 })
    expect(report.sources.requests).toBe(asked)
  })
})

test('two workers without a shared cache store every post for every tenant', async () => {
  await using server = await startFeedServer({ items: ITEMS })
  const drivers = { ...sharedMariadbEnv(), ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'memory' }
  await using installation = await Installation.create(drivers)
  await subscribeAll(installation, server)
  await installation.startWorkers(2)
  const { exit, report } = await installation.sync('--all')
  expect(exit).toBe(0)
  expect(report.posts.new).toBe(TENANTS * FEEDS_EACH * ITEMS)
  expect(await countPosts(installation)).toBe(TENANTS * FEEDS_EACH * ITEMS)
})

function settingsOf(env: TestEnv): TestEnv {
  const { FEEDCTL_DATA: _data, ...settings } = env
  return settings
}

function pathsOf(sources: number): string[] {
  return Array.from({ length: sources }, (_, source) => `/feeds/${source}.xml`)
}
