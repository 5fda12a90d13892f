import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { FallbackPermits, MemoryPermits, type Permits, RedisPermits } from '../../src/caches/index.js'
import { Failure } from '../../src/kernel/errors.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { findFreePort } from '../support/server.js'
import { keepThePermitContract } from './permits-contract.js'

const env = sharedRedisEnv()
const prefix = env.FEEDCTL_REDIS_PREFIX ?? ''
/** As long as any machine is busy: what takes longer is left for the near ones, as it is to be. */
const PATIENT = { patienceMs: 100_000, awayMs: 3_000, what: 'Redis' }
const clients: Redis[] = []
const connect = (url = env.REDIS_URL ?? '') => {
  const client = new Redis(url)
  clients.push(client)
  return client
}
afterAll(async () => {
  await deleteRedisKeys(env)
  for (const client of clients) client.disconnect()
})

const TEN = { wanted: 10, perSecond: 10, burst: 10 }

describe('permits in memory', () => {
  keepThePermitContract(() => {
    let now = 1_000_000
    return { permits: new MemoryPermits(() => now), advance: ms => (now += ms) }
  })

  it('are forgotten when there are as many as there can be', async () => {
    let now = 1_000_000
    const permits = new MemoryPermits(() => now)
    await permits.take('slow', { wanted: 10, perSecond: 0.001, burst: 10 })
    for (let n = 0; n < 5_000; n++) {
      await permits.take(`tenant-${n}`, TEN)
      now += 10
    }
    expect(permits.size).toBeLessThan(1_200)
    expect((await permits.take('slow', { wanted: 1, perSecond: 0.001, burst: 10 })).granted).toBe(0)
  })
})

describe('permits in redis', () => {
  keepThePermitContract(() => {
    let now = Date.now()
    const redis = clients[0] ?? connect()
    return { permits: new RedisPermits(redis, prefix, () => now), advance: ms => (now += ms) }
  })

  it('are shared by all processes, by the clock of the server', async () => {
    const [mine, theirs] = [new RedisPermits(connect(), prefix), new RedisPermits(connect(), prefix)]
    const slow = { wanted: 6, perSecond: 0.01, burst: 10 }
    expect((await mine.take('both', slow)).granted).toBe(6)
    expect((await theirs.take('both', slow)).granted).toBe(4)
    const { granted, retryInMs } = await mine.take('both', slow)
    expect(granted).toBe(0)
    expect(retryInMs).toBeGreaterThan(1_000)
    expect(retryInMs).toBeLessThanOrEqual(100_000)
  })

  it('leave nothing behind in redis for ever', async () => {
    const redis = connect()
    await new RedisPermits(redis, prefix).take('ends', TEN)
    expect(await redis.pttl(`${prefix}:permits:ends`)).toBeGreaterThan(0)
  })

  it('work with a server that does not know the script yet', async () => {
    // Of its own: the scripts of the run's are used by other tests at this moment.
    await using server = await startRedis()
    const redis = connect(server.url)
    expect((await new RedisPermits(redis, prefix).take('unknown script', TEN)).granted).toBe(10)
    redis.disconnect()
  })

  it('are UNAVAILABLE where no Redis answers', async () => {
    await expect((await awayPermits()).take('x', TEN)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

/** Permits of a Redis that does not run. */
async function awayPermits(): Promise<RedisPermits> {
  const redis = new Redis({ port: await findFreePort(), maxRetriesPerRequest: 0, retryStrategy: () => 10 })
  redis.on('error', () => {})
  clients.push(redis)
  return new RedisPermits(redis, prefix)
}

describe('permits with a fallback', () => {
  keepThePermitContract(() => {
    let now = Date.now()
    const clock = () => now
    const far = new RedisPermits(clients[0] ?? connect(), `${prefix}:fallback`, clock)
    const permits = new FallbackPermits(far, new MemoryPermits(clock), () => {}, clock, PATIENT)
    return { permits, advance: ms => (now += ms) }
  })

  it("are this process's own while redis is away, which is said once, and shared again when it is back", async () => {
    let now = 1_000_000
    let away = true
    let asked = 0
    const shared = new MemoryPermits(() => now)
    const far: Permits = {
      name: 'redis',
      take: (key, terms) => {
        asked++
        return away ? Promise.reject(new Failure('UNAVAILABLE', 'away')) : shared.take(key, terms)
      },
    }
    const told: string[] = []
    const clock = () => now
    const permits = new FallbackPermits(far, new MemoryPermits(clock), failure => told.push(failure.message), clock)
    expect((await permits.take('api', { ...TEN, wanted: 8 })).granted).toBe(8)
    expect((await permits.take('api', { ...TEN, wanted: 8 })).granted).toBe(2)
    expect([asked, told]).toEqual([1, ['away']])
    away = false
    now += 3_000
    expect((await permits.take('api', { ...TEN, wanted: 4 })).granted).toBe(4)
    expect((await shared.take('api', TEN)).granted).toBe(6)
    expect(told).toEqual(['away'])
  })

  it('do not wait for a redis that takes the command and never answers', async () => {
    const silent: Permits = { name: 'redis', take: () => new Promise(() => {}) }
    const permits = new FallbackPermits(silent, new MemoryPermits())
    const answers = await Promise.all([permits.take('api', TEN), permits.take('api', TEN)])
    expect(answers.map(answer => answer.granted)).toEqual([10, 0])
    expect((await permits.take('other', TEN)).granted).toBe(10)
  })

  it('never throw for a redis that does not run', async () => {
    const permits = new FallbackPermits(await awayPermits(), new MemoryPermits())
    expect((await permits.take('api', TEN)).granted).toBe(10)
  })
})
