import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { Failure } from '../../src/kernel/errors.js'
import { until } from '../../src/kernel/retry.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { Forwarder } from '../support/forwarder.js'
import { type RedisAddress, type RedisServer, redisAt, startRedis } from '../support/redis.js'
import { Installation } from './installation.js'
import { expectEveryPostOnce, furnish } from './many-tenants.js'
import { SlowFleet } from './slow-fleet.js'

const TIMEOUT_MS = 300_000
const FROZEN_MS = 40_000
/** Two hours: longer than every lease, lock and deadline there is. */
const JUMP_MS = 2 * 3_600_000

const settingsOn = (redis: RedisAddress, more: TestEnv = {}): TestEnv => ({
  ...sharedRedisEnv(),
  ...redis.env,
  ...more,
  QUEUE_CONNECTION: 'redis',
  CACHE_DRIVER: 'redis',
})

/** Not expect.poll: that must know its test, and tests that run at the same time do not. */
function soon(what: string, isTrue: () => Promise<boolean>): Promise<true> {
  return until(async () => (await isTrue()) || null, {
    everyMs: 200,
    withinMs: 120_000,
    late: () => new Failure('CHECK_FAILED', `not in time: ${what}`),
  })
}

/** The server as a client finds it behind the forwarder. */
const behind = ({ port }: Forwarder, { password }: RedisServer) => redisAt(`redis://:${password}@127.0.0.1:${port}`)

/** Makes the second server take over from the first, with all that it has; the first refuses to write from then on. */
async function failOver(first: RedisServer, second: RedisServer): Promise<void> {
  const [old, next] = [new Redis(first.url), new Redis(second.url)]
  try {
    await next.replicaof('127.0.0.1', first.port)
    await soon('the replica follows', async () => (await next.info('replication')).includes('master_link_status:up'))
    await soon('the replica has the offset', async () => (await old.info('replication')).includes('state=online'))
    await old.call('FAILOVER')
    await soon('the replica is promoted', async () => (await next.info('replication')).includes('role:master'))
  } finally {
    for (const client of [old, next]) client.disconnect()
  }
}

/** Runs a sync of everything, lets something happen in its middle, and fails unless all is synced all the same. */
async function expectToGoOn(fleet: SlowFleet, happens: () => void | Promise<void>): Promise<void> {
  const { installation, tenants } = fleet
  const workers = [await installation.startWorker(['--concurrency', '2']), await installation.startWorker(['--concurrency', '2'])]
  fleet.hold()
  const sync = installation.start(['sync', '--all', '--json'])
  await fleet.untilSomeAreStored()
  await happens()
  fleet.letGo()
  const end = await sync.ended
  expect(end.exit, end.out + end.err).toBe(0)
  expect(JSON.parse(end.out).tenants).toEqual({ total: tenants, ok: tenants, failed: 0, skipped: 0 })
  await fleet.expectComplete()
  expect(await installation.run(['queue', 'status', '--health'])).toMatchObject({ exit: 0 })
  for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ exit: 143 })
}

/** Returns when a worker whose clock is ahead has put the next scheduled sync off. */
async function untilPutOff(installation: Installation): Promise<void> {
  await using app = await installation.open()
  const schedules = await app.schedules()
  const isPutOff = async () =>
    (await schedules.list()).some(({ id, nextAt }) => id === 'sync-due' && nextAt > Date.now() + JUMP_MS / 2)
  await soon('the schedule is put off', isPutOff)
}

/** Gives Redis as much memory as it uses now and this much more; null takes the bound away. */
async function bound(redis: RedisServer, moreBytes: number | null): Promise<void> {
  const client = new Redis(redis.url)
  try {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
    await client.config('SET', 'maxmemory', moreBytes === null ? 0 : used + moreBytes)
  } finally {
    client.disconnect()
  }
}

/** A module that makes the clock of its process jump by so much, after so long. */
function jumpingClock(afterMs: number, jumpMs: number): TestEnv {
  const module = `const real = Date.now; let shift = 0; setTimeout(() => { shift = ${jumpMs} }, ${afterMs}).unref();
const Real = Date; globalThis.Date = class extends Real { constructor(...given) { if (given.length === 0) super(real() + shift); else super(...given) } static now() { return real() + shift } }`
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(module)}` }
}

describe.concurrent('a bad day of the queue:', () => {
  test('Redis is frozen for 40 s in mid-sync: workers and follower go on by themselves', { timeout: TIMEOUT_MS }, async () => {
    await using redis = await startRedis()
    await using fleet = await SlowFleet.create(settingsOn(redis), 20)
    await expectToGoOn(fleet, async () => {
      redis.pause()
      fleet.letGo()
      const health = await fleet.installation.run(['queue', 'status', '--health', '--json'])
      expect(health).toMatchObject({ exit: 5 })
      await pause(FROZEN_MS)
      redis.resume()
    })
  })

  test('Redis fails over in mid-sync: workers and follower go on by themselves', { timeout: TIMEOUT_MS }, async () => {
    await using first = await startRedis()
    await using second = await startRedis(first.password)
    await using forwarder = await Forwarder.to(first.port)
    await using fleet = await SlowFleet.create(settingsOn(behind(forwarder, first)))
    await expectToGoOn(fleet, async () => {
      await failOver(first, second)
      forwarder.lead(second.port)
    })
  })

  test('the host of Redis is gone without a word: workers and follower go on by themselves', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using redis = await startRedis()
    await using forwarder = await Forwarder.to(redis.port)
    await using fleet = await SlowFleet.create(settingsOn(behind(forwarder, redis)))
    await expectToGoOn(fleet, () => forwarder.loseConnections())
  })

  test('Redis is full: the error says so, nothing is half done, and with memory it goes on', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const [tenants, items] = [300, 2]
    await using server = await startFeedServer({ items })
    await using redis = await startRedis()
    await using installation = await Installation.create(settingsOn(redis))
    await furnish(installation, server, tenants, 1)
    await bound(redis, 100_000)
    const refused = await installation.run(['sync', '--all', '--detach', '--json'])
    expect(refused).toMatchObject({ exit: 5, out: '' })
    expect(JSON.parse(refused.err).error).toMatchObject({ code: 'REDIS_FULL' })
    // On a busy machine it may be too late to be answered, full or not.
    await soon('the queues are told', async () => {
      const { exit, err } = await installation.run(['queue', 'status', '--json'])
      if (exit !== 0) expect(JSON.parse(err).error).toMatchObject({ code: 'UNAVAILABLE' })
      return exit === 0 && err === ''
    })
    await bound(redis, null)
    await installation.startWorker()
    const { exit, report } = await installation.sync('--all')
    expect(exit).toBe(0)
    expect(report.tenants).toEqual({ total: tenants, ok: tenants, failed: 0, skipped: 0 })
    await expectEveryPostOnce(installation, { tenants, feedsEach: 1, items })
  })

  test.each([
    ['forward', JUMP_MS],
    ['back', -JUMP_MS],
  ])(
    'the clock of a worker jumps %s by two hours in mid-sync: every tenant is synced once, and scheduled syncs go on',
    { timeout: TIMEOUT_MS },
    async (_way, jumpMs) => {
      await using redis = await startRedis()
      await using fleet = await SlowFleet.create(settingsOn(redis, { FEEDCTL_SYNC_EVERY_S: '10' }), 24)
      const { installation } = fleet
      const jumping = await installation.startWorker(['--concurrency', '2'], jumpingClock(1_500, jumpMs))
      const other = await installation.startWorker(['--concurrency', '2'])
      const { exit, report } = await installation.sync('--all')
      expect(exit).toBe(0)
      expect(report.tenants).toEqual({ total: fleet.tenants, ok: fleet.tenants, failed: 0, skipped: 0 })
      await fleet.expectComplete()
      expect(await installation.run(['queue', 'status', '--health'])).toMatchObject({ exit: 0 })

      await other.end('SIGTERM')
      const schedule = installation.start(['schedule', 'run'])
      await schedule.says('sync-due: ')
      if (jumpMs > 0) await untilPutOff(installation)
      await jumping.end('SIGTERM')
      await installation.startWorker()
      await installation.createTenant('late', [fleet.server.urlOf(fleet.feeds)])
      await soon('the late tenant is synced', async () => (await installation.feeds('late'))[0]?.stored_at !== null)
    },
  )
})
