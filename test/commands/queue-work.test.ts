import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderFeed } from '../../src/bench/feed-server/documents.js'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { countPosts } from '../e2e/content.js'
import { Installation } from '../e2e/installation.js'
import { startPublisher } from '../e2e/publisher.js'
import { SlowFleet } from '../e2e/slow-fleet.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

const onRedis = (): TestEnv => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })
const onServers = (): TestEnv => ({ ...onRedis(), ...sharedMariadbEnv() })

describe('queue work', () => {
  test('is refused where jobs run in process', async () => {
    await using installation = await Installation.create({})
    const { exit, err } = await installation.run(['queue', 'work'])
    expect(exit).toBe(3)
    expect(err).toContain('QUEUE_CONNECTION=redis')
  })

  test('ends by itself after --max-jobs', async () => {
    await using server = await startFeedServer({ items: 2 })
    await using installation = await Installation.create(onRedis())
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [server.urlOf(1)])
    await installation.run(['sync', '--all', '--detach'])
    const { exit, out } = await installation.run(['queue', 'work', '--max-jobs', '2', '--json'])
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toEqual({ finished: 2, failed: 0, handed_back: 0 })
    expect(await countPosts(installation)).toBe(4)
  })

  test('gives a tenant up after --tries, and the others are done', async () => {
    await using server = await startFeedServer({ items: 2 })
    await using installation = await Installation.create(onRedis())
    // In a process of its own: libsql may go on writing to a file that it has closed.
    for (const slug of ['acme', 'globex']) {
      const created = installation.start(['tenant', 'create', slug, '--feed', server.urlOf(1)])
      expect(await created.ended).toMatchObject({ exit: 0 })
    }
    writeFileSync(join(installation.env.FEEDCTL_DATA ?? '', 'databases', 'tenant_acme.db'), 'no database '.repeat(1000))
    const worker = await installation.startWorker(['--tries', '2'])
    const { exit, report } = await installation.sync('--all')
    expect(exit).toBe(6)
    expect(report.tenants).toEqual({ total: 2, ok: 1, failed: 1, skipped: 0 })
    expect(report.failures).toMatchObject([{ tenant: 'acme', url: null, code: 'UNAVAILABLE' }])
    const end = await worker.end('SIGTERM')
    expect(end.err).toMatch(/warn SyncTenantFeeds failed .*attempt=1/)
    expect(end.err).toMatch(/error SyncTenantFeeds failed .*attempt=2/)
  })
})

describe('SIGTERM', () => {
  test('ends an idle worker with exit status 143', async () => {
    await using installation = await Installation.create(onRedis())
    const worker = await installation.startWorker(['--json'])
    const { exit, out } = await worker.end('SIGTERM')
    expect(exit).toBe(143)
    expect(JSON.parse(out)).toEqual({ finished: 0, failed: 0, handed_back: 0 })
  })

  test('lets a worker finish what it has begun', async () => {
    await using fleet = await SlowFleet.create(onServers())
    const worker = await fleet.installation.startWorker(['--concurrency', '3', '--json'])
    const sync = fleet.installation.start(['sync', '--all', '--json'])
    await fleet.untilSomeAreStored()
    const { exit, out } = await worker.end('SIGTERM')
    expect(exit).toBe(143)
    const end = JSON.parse(out)
    expect(end).toMatchObject({ failed: 0, handed_back: 0 })
    expect(end.finished).toBeGreaterThan(0)
    expect(await fleet.expectWholeFeeds()).toBe((end.finished * fleet.feeds) / fleet.tenants)

    await fleet.installation.startWorker()
    expect(await sync.ended).toMatchObject({ exit: 0 })
    await fleet.expectComplete()
  })

  test('hands back at the deadline what cannot be finished, for another worker to do', async () => {
    const { body } = renderFeed({ seed: 1, source: 1, edition: 0, items: 3, itemBytes: 200, format: 'rss', origin: '' })
    let hanging = true
    await using publisher = await startPublisher((_path, response) => {
      if (!hanging) response.end(body)
    })
    await using installation = await Installation.create({ ...onServers(), FEEDCTL_DRAIN_MS: '300' })
    await installation.createTenant('acme', [publisher.urlOf('/slow.xml')])
    const worker = await installation.startWorker(['--json'])
    const sync = installation.start(['sync', 'acme', '--json'])
    await expect.poll(() => publisher.asked.length, { timeout: 20_000 }).toBe(1)
    const { exit, out } = await worker.end('SIGTERM')
    expect(exit).toBe(143)
    expect(JSON.parse(out)).toEqual({ finished: 0, failed: 0, handed_back: 1 })

    hanging = false
    await installation.startWorker()
    const end = await sync.ended
    expect(end.exit).toBe(0)
    expect(JSON.parse(end.out)).toMatchObject({ tenants: { ok: 1 }, posts: { new: 3 } })
    expect(await countPosts(installation)).toBe(3)
  })
})

test('a worker that is killed in mid-sync is replaced by a new one, and every post is there once', async () => {
  await using fleet = await SlowFleet.create(onServers())
  const victim = await fleet.installation.startWorker()
  const sync = fleet.installation.start(['sync', '--all', '--json'])
  await fleet.untilSomeAreStored()
  expect(await victim.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
  expect(await fleet.expectWholeFeeds()).toBeLessThan(fleet.feeds)
  await fleet.installation.startWorker()
  const end = await sync.ended
  expect(end.exit).toBe(0)
  expect(JSON.parse(end.out).tenants).toEqual({ total: fleet.tenants, ok: fleet.tenants, failed: 0, skipped: 0 })
  await fleet.expectComplete()
}, 60_000)
