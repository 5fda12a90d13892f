import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { JobSchedules } from '../../src/queues/index.js'
import { openRedis } from '../../src/redis/connection.js'
import { type ScheduleEntry, scheduleOf } from '../../src/schedule/entries.js'
import { ScheduleKeeper } from '../../src/schedule/keeper.js'
import { deleteRedisKeys, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'

const ENTRIES = scheduleOf({ syncEveryS: 3_600, pruneAt: '30 3 * * *' })
const IDS = ENTRIES.map(entry => entry.id).sort()
const TIMEOUT = { timeout: 20_000, interval: 20 }

function scene(env: TestEnv, entries: readonly ScheduleEntry[] = ENTRIES) {
  const lines: string[] = []
  const log = new Log(line => lines.push(line), 'info')
  const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
  const schedules = new JobSchedules({ connect: purpose => openRedis(config, log, purpose), prefix: config.redisPrefix, log })
  const keeper = new ScheduleKeeper({ schedules, entries, log, everyMs: 100 })
  onTestFinished(async () => {
    await schedules.close()
    await keeper.close()
  })
  const ids = async () => (await schedules.list()).map(({ id }) => id).sort()
  return { keeper, schedules, lines, ids }
}

describe('the keeper of the schedule', () => {
  it('puts the entries, removes what is none any more, and leaves them there when it is closed', async () => {
    const env = sharedRedisEnv()
    onTestFinished(() => deleteRedisKeys(env))
    const { keeper, schedules, lines, ids } = scene(env)
    await schedules.put({ id: 'gone', name: 'Gone', everyMs: 60_000 })
    await keeper.start().looked()
    expect(await ids()).toEqual(IDS)
    expect(lines.join()).toContain('schedule="gone"')
    await keeper.close()
    expect(await ids()).toEqual(IDS)
  })

  it('puts them again in a Redis that came back empty', async () => {
    const env = sharedRedisEnv()
    const { keeper, ids } = scene(env)
    await keeper.start().looked()
    await deleteRedisKeys(env)
    await vi.waitFor(async () => expect(await ids()).toEqual(IDS), TIMEOUT)
    await keeper.close()
    await deleteRedisKeys(env)
  })

  it('does not fight with another one about an interval', async () => {
    const env = sharedRedisEnv()
    onTestFinished(() => deleteRedisKeys(env))
    const [old, fresh] = [scene(env), scene(env, scheduleOf({ syncEveryS: 7_200, pruneAt: '30 3 * * *' }))]
    await old.keeper.start().looked()
    await fresh.keeper.start().looked()
    const standing = await fresh.schedules.list()
    const mended = vi.spyOn(old.schedules, 'mend')
    await vi.waitFor(() => expect(mended.mock.calls.length).toBeGreaterThanOrEqual(2 * ENTRIES.length), TIMEOUT)
    expect(await fresh.schedules.list()).toEqual(standing)
  })

  it('says once that Redis is away, waits for it, and says that it is back', async () => {
    await using server = await startRedis()
    const { keeper, lines, ids } = scene({ ...server.env, FEEDCTL_REDIS_PREFIX: 'kept' })
    await server.kill()
    await keeper.start().looked()
    await vi.waitFor(() => expect(lines.filter(line => line.includes('waits for Redis'))).toHaveLength(1), TIMEOUT)
    await server.start()
    await vi.waitFor(() => expect(lines.filter(line => line.includes('kept again'))).toHaveLength(1), TIMEOUT)
    expect(lines.filter(line => line.includes('waits for Redis'))).toHaveLength(1)
    expect(await ids()).toEqual(IDS)
  })

  it('refuses a pattern that is none, before it asks Redis', () => {
    const entries = scheduleOf({ syncEveryS: 60, pruneAt: '99 3 * * *' })
    const schedules = { put: vi.fn(), mend: vi.fn(), removeOthers: vi.fn() }
    expect(() => new ScheduleKeeper({ schedules, entries, log: new Log(() => {}) })).toThrow('is no cron pattern')
  })
})
