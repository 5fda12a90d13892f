import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { countPosts } from '../e2e/content.js'
import { Installation } from '../e2e/installation.js'
import { SlowFleet } from '../e2e/slow-fleet.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

/** For what takes seconds on a machine that is idle. */
const PATIENTLY = { timeout: 120_000 }

describe('Ctrl-C in mid-sync', PATIENTLY, () => {
  test('ends what is in flight, says so, exits 130, and the next sync does the rest', async () => {
    await using fleet = await SlowFleet.create({})
    const { installation, server } = fleet
    fleet.hold()
    const sync = installation.start(['sync', '--all', '--json', '--concurrency', '2'])
    await fleet.untilSomeAreStored()
    const ending = sync.end('SIGINT')
    await sync.says('SIGINT: stopping')
    fleet.letGo()
    const { exit, out, err } = await ending
    expect(exit).toBe(130)
    expect(err).toContain('SIGINT: stopping after what is in flight')
    expect(err).toMatch(/stopped: \d+ tenants were not begun; the next sync does them/)
    const { tenants, posts } = JSON.parse(out)
    expect(tenants).toMatchObject({ total: fleet.tenants, failed: 0 })
    expect(tenants.skipped).toBeGreaterThan(0)
    expect(posts.new).toBe(await countPosts(installation))
    const stored = await fleet.expectWholeFeeds()
    expect(stored / fleet.feeds).toBe(tenants.ok / fleet.tenants)

    server.resetStats()
    expect((await installation.sync('--all')).exit).toBe(0)
    await fleet.expectComplete()
    expect(server.stats().requests).toBe(fleet.feeds - stored)
  })

  test('leaves the workers going, where workers run the jobs', async () => {
    await using fleet = await SlowFleet.create({ ...sharedMariadbEnv(), ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis' })
    const { installation } = fleet
    await installation.startWorker()
    fleet.hold()
    const sync = installation.start(['sync', '--all', '--json'])
    await fleet.untilSomeAreStored()
    const { exit, err } = await sync.end('SIGINT')
    fleet.letGo()
    expect(exit).toBe(130)
    expect(err).toContain('no longer following; the workers go on')
    await expect.poll(() => countPosts(installation), { timeout: 60_000, interval: 300 }).toBe(fleet.posts)
  })
})

test('a sync that is killed leaves whole feeds and no lock, and the next one does the rest at once', PATIENTLY, async () => {
  await using fleet = await SlowFleet.create({})
  fleet.hold()
  const sync = fleet.installation.start(['sync', '--all'])
  await fleet.untilSomeAreStored()
  expect(await sync.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
  fleet.letGo()
  expect(await fleet.expectWholeFeeds()).toBeLessThan(fleet.feeds)
  const { exit, report } = await fleet.installation.sync('--all')
  expect(exit).toBe(0)
  expect(report.tenants.ok).toBe(fleet.tenants)
  await fleet.expectComplete()
})

test('a second sync --all is refused while one runs, naming its process and machine', PATIENTLY, async () => {
  await using fleet = await SlowFleet.create({})
  fleet.hold()
  const sync = fleet.installation.start(['sync', '--all'])
  await fleet.untilSomeAreStored()
  const refused = await fleet.installation.run(['sync', '--all'])
  fleet.letGo()
  expect(refused).toMatchObject({ exit: 7, out: '' })
  expect(refused.err).toContain(`sync --all is already running: pid ${sync.pid} on ${hostname()}`)
  expect(await sync.ended).toMatchObject({ exit: 0 })
  expect((await fleet.installation.sync('--all')).exit).toBe(0)
})

test('a tenant that is named while --all runs is synced for both, and its posts are stored once', PATIENTLY, async () => {
  await using fleet = await SlowFleet.create({})
  fleet.hold()
  const all = fleet.installation.start(['sync', '--all', '--json'])
  await fleet.untilSomeAreStored()
  const naming = fleet.installation.sync('acme-11', 'acme-0')
  await fleet.untilRunsAre(2)
  fleet.letGo()
  const named = await naming
  expect(named).toMatchObject({ exit: 0, report: { tenants: { total: 2, ok: 2, failed: 0, skipped: 0 } } })
  const end = await all.ended
  expect(end.exit).toBe(0)
  expect(JSON.parse(end.out).tenants).toEqual({ total: fleet.tenants, ok: fleet.tenants, failed: 0, skipped: 0 })
  await fleet.expectComplete()
})

test.each<[string, () => TestEnv]>([
  ['SQLite', () => ({})],
  ['MariaDB', sharedMariadbEnv],
])('two processes that sync the same tenant at once store every post once (%s)', PATIENTLY, async (_name, settings) => {
  await using server = await startFeedServer({ items: 5, latencyMs: 20 })
  await using installation = await Installation.create(settings())
  const urls = Array.from({ length: 40 }, (_, source) => server.urlOf(source))
  await installation.createTenant('acme', urls)
  const ends = await Promise.all([1, 2, 3].map(() => installation.start(['sync', 'acme', '--json']).ended))
  expect(ends.map(end => end.exit)).toEqual([0, 0, 0])
  expect(await countPosts(installation)).toBe(40 * 5)
  expect(ends.map(end => JSON.parse(end.out).tenants.ok)).toEqual([1, 1, 1])
})
