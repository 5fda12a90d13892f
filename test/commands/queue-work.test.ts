import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderFeed } from '../../src/bench/feed-server/documents.js'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { countPosts } from '../e2e/content.js'
import { Installation } from '../e2e/installation.js'
import { startPublisher } from '../e2e/publisher.js'
import { SlowFleet } from '../e2e/slow-fleet.js'
import { runCli } from '../support/cli.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

/** For what takes seconds on a machine that is idle. */
const PATIENCE_MS = 120_000

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
    expect(JSON.parse(out)).toEqual({ finished: 2, failed: 0, handed_back: 0, interrupted: [], reason: 'max-jobs' })
    expect(await countPosts(installation)).toBe(4)
  })

  test('ends by itself after --max-time, and says so', async () => {
    await using installation = await Installation.create(onRedis())
    const { exit, out, err } = await installation.run(['queue', 'work', '--max-time', '1', '--queue', 'media, sync,media'])
    expect(exit).toBe(0)
    expect(err).toMatch(/^working on media, sync, 5 jobs of each at once \(pid \d+\); Ctrl-C drains$/m)
    expect(out).toBe('done (--max-time is over): 0 jobs finished, 0 failed, 0 handed back\n')
  })

  test.each([
    ['synk', '--queue sync'],
    ['sync,mdia', '--queue media'],
    ['everything', 'one of sync, media, analytics, maintenance'],
    ['', 'one of sync, media, analytics, maintenance'],
  ])('refuses the queue %j', async (queue, hint) => {
    const { exit, err } = await runCli(['queue', 'work', '--queue', queue])
    expect(exit).toBe(2)
    expect(err).toContain(hint)
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
    expect(JSON.parse(out)).toEqual({ finished: 0, failed: 0, handed_back: 0, interrupted: [], reason: 'signal' })
  })

  test(
    'lets a worker finish what it has begun',
    async () => {
      await using fleet = await SlowFleet.create(onServers())
      const worker = await fleet.installation.startWorker(['--concurrency', '3', '--json'])
      const next = await fleet.installation.startStandIn()
      fleet.hold()
      const sync = fleet.installation.start(['sync', '--all', '--json'])
      await fleet.untilSomeAreStored()
      const ending = worker.end('SIGTERM')
      await worker.says('draining (')
      fleet.letGo()
      const { exit, out } = await ending
      expect(exit).toBe(143)
      const end = JSON.parse(out)
      expect(end).toMatchObject({ failed: 0, handed_back: 0 })
      expect(end.finished).toBeGreaterThan(0)
      // A job may run twice, and finds nothing to do the second time.
      expect(await fleet.expectWholeFeeds()).toBeLessThanOrEqual((end.finished * fleet.feeds) / fleet.tenants)

      process.kill(next.pid, 'SIGUSR2')
      expect(await sync.ended).toMatchObject({ exit: 0 })
      await fleet.expectComplete()
    },
    PATIENCE_MS,
  )

  test(
    'hands back at the deadline what cannot be finished, for another worker to do',
    async () => {
      const { body } = renderFeed({ seed: 1, source: 1, edition: 0, items: 3, itemBytes: 200, format: 'rss', origin: '' })
      let hanging = true
      await using publisher = await startPublisher((_path, response) => {
        if (!hanging) response.end(body)
      })
      await using installation = await Installation.create({ ...onServers(), FEEDCTL_DRAIN_MS: '300' })
      await installation.createTenant('acme', [publisher.urlOf('/slow.xml')])
      const worker = await installation.startWorker(['--json'])
      const next = await installation.startStandIn()
      const sync = installation.start(['sync', 'acme', '--json'])
      await expect.poll(() => publisher.asked.length, { timeout: 20_000 }).toBe(1)
      const { exit, out } = await worker.end('SIGTERM')
      expect(exit).toBe(143)
      expect(JSON.parse(out)).toEqual({
        finished: 0,
        failed: 0,
        handed_back: 1,
        interrupted: [{ queue: 'sync', id: expect.any(String), name: 'SyncTenantFeeds', tenant_id: 1 }],
        reason: 'signal',
      })

      hanging = false
      process.kill(next.pid, 'SIGUSR2')
      const end = await sync.ended
      expect(end.exit).toBe(0)
      expect(JSON.parse(end.out)).toMatchObject({ tenants: { ok: 1 }, posts: { new: 3 } })
      expect(await countPosts(installation)).toBe(3)
    },
    PATIENCE_MS,
  )
})

test(
  'a worker that is killed in mid-sync is replaced by a new one, and every post is there once',
  async () => {
    await using fleet = await SlowFleet.create(onServers())
    const victim = await fleet.installation.startWorker()
    const next = await fleet.installation.startStandIn()
    fleet.hold()
    const sync = fleet.installation.start(['sync', '--all', '--json'])
    await fleet.untilSomeAreStored()
    expect(await victim.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
    expect(await fleet.expectWholeFeeds()).toBeLessThan(fleet.feeds)
    fleet.letGo()
    process.kill(next.pid, 'SIGUSR2')
    const end = await sync.ended
    expect(end.exit).toBe(0)
    expect(JSON.parse(end.out).tenants).toEqual({ total: fleet.tenants, ok: fleet.tenants, failed: 0, skipped: 0 })
    await fleet.expectComplete()
  },
  PATIENCE_MS,
)
