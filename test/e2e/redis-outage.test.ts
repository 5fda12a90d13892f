import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { SlowFleet } from './slow-fleet.js'

const OUTAGE_MS = 20_000
const TIMEOUT_MS = 180_000

function settingsOn(redis: RedisServer): TestEnv {
  return { ...sharedMariadbEnv(), ...sharedRedisEnv(), ...redis.env, QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' }
}

async function emptyAndRestart(redis: RedisServer, fleet: SlowFleet): Promise<void> {
  await redis.kill()
  fleet.letGo()
  rmSync(join(redis.folder, 'appendonlydir'), { recursive: true })
  await redis.start()
}

// Each has a Redis of its own, and mostly waits.
describe.concurrent('Redis', () => {
  test('is away for 20 s in mid-sync: workers and follower go on by themselves', { timeout: TIMEOUT_MS }, async () => {
    await using redis = await startRedis()
    // Fewer places than requests that are under way when Redis goes: those that are over then must be free when it is back.
    await using fleet = await SlowFleet.create({ ...settingsOn(redis), FEEDCTL_FETCH_PER_HOST: '2' }, 20)
    const workers = [
      await fleet.installation.startWorker(['--concurrency', '2']),
      await fleet.installation.startWorker(['--concurrency', '2']),
    ]
    fleet.hold()
    const sync = fleet.installation.start(['sync', '--all', '--json'])
    await fleet.untilSomeAreStored()
    await redis.stop()
    fleet.letGo()
    await pause(OUTAGE_MS)
    await redis.start()
    const end = await sync.ended
    expect(end.exit, end.out + end.err).toBe(0)
    expect(JSON.parse(end.out).tenants).toEqual({ total: fleet.tenants, ok: fleet.tenants, failed: 0, skipped: 0 })
    await fleet.expectComplete()

    fleet.server.advanceEdition()
    const { exit, report } = await fleet.installation.sync('--all', '--force')
    expect(exit).toBe(0)
    expect(report.feeds.new_version).toBe(fleet.feeds)
    for (const worker of workers) expect(await worker.end('SIGTERM')).toMatchObject({ exit: 143 })
  })

  test('comes back empty in mid-sync: what is left is enqueued again', { timeout: TIMEOUT_MS }, async () => {
    await using redis = await startRedis()
    await using fleet = await SlowFleet.create(settingsOn(redis), 20)
    await fleet.installation.startWorker(['--concurrency', '2'])
    fleet.hold()
    const sync = fleet.installation.start(['sync', '--all', '--json'])
    await fleet.untilSomeAreStored()
    await emptyAndRestart(redis, fleet)
    const end = await sync.ended
    expect(end.exit, end.out + end.err).toBe(0)
    expect(JSON.parse(end.out).tenants).toMatchObject({ ok: fleet.tenants })
    await fleet.expectComplete()
  })

  test('comes back empty, and the worker died with it: a new worker does what is left', { timeout: TIMEOUT_MS }, async () => {
    await using redis = await startRedis()
    await using fleet = await SlowFleet.create(settingsOn(redis), 20)
    const victim = await fleet.installation.startWorker(['--concurrency', '2'])
    const next = await fleet.installation.startStandIn()
    fleet.hold()
    const sync = fleet.installation.start(['sync', '--all', '--json'])
    await fleet.untilSomeAreStored()
    await victim.end('SIGKILL')
    await emptyAndRestart(redis, fleet)
    process.kill(next.pid, 'SIGUSR2')
    const end = await sync.ended
    expect(end.exit, end.out + end.err).toBe(0)
    expect(JSON.parse(end.out).tenants).toMatchObject({ ok: fleet.tenants })
    await fleet.expectComplete()
  })

  test('is away when a worker is told to stop: it stops all the same', { timeout: TIMEOUT_MS }, async () => {
    await using redis = await startRedis()
    await using fleet = await SlowFleet.create({ ...settingsOn(redis), FEEDCTL_DRAIN_MS: '1000' }, 4)
    const worker = await fleet.installation.startWorker()
    await redis.stop()
    const end = await worker.end('SIGTERM')
    expect(end).toMatchObject({ exit: 143 })
    await redis.start()
  })
})
