import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { FallbackGates, type Gates, MemoryGates, RedisGates } from '../../src/caches/index.js'
import { sleep } from '../../src/kernel/clock.js'
import { Failure } from '../../src/kernel/errors.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { findFreePort } from '../support/server.js'
import { keepTheGateContract } from './gates-contract.js'

const env = sharedRedisEnv()
const prefix = env.FEEDCTL_REDIS_PREFIX ?? ''
/** As long as any machine is busy: what takes longer is left for the near ones, as it is to be. */
const PATIENT = { patienceMs: 100_000, awayMs: 5_000, what: 'Redis' }
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

const terms = (token: string) => ({ places: 1, perSecond: 100, burst: 10, leaseMs: 60_000, token })

describe('gates in memory', () => {
  keepTheGateContract(() => {
    let now = 1_000_000
    return { gates: new MemoryGates(() => now), advance: ms => (now += ms) }
  })

  it('are forgotten when nobody is in and nothing is remembered of them', async () => {
    let now = 1_000_000
    const gates = new MemoryGates(() => now)
    await gates.note('noted', 'a note', 3_600)
    await gates.enter('held', { ...terms('held'), leaseMs: 3_600_000 })
    for (let n = 0; n < 5_000; n++) {
      await gates.enter(`host-${n}`, terms(`t${n}`))
      await gates.leave(`host-${n}`, `t${n}`)
      now += 100
    }
    expect(gates.size).toBeLessThan(1_100)
    expect(await gates.enter('noted', terms('n'))).toMatchObject({ note: 'a note' })
    expect(await gates.enter('held', terms('h'))).toMatchObject({ entered: false })
  })
})

describe('gates in redis', () => {
  const client = connect()
  keepTheGateContract(() => {
    let now = Date.now()
    return { gates: new RedisGates(client, prefix, () => now), advance: ms => (now += ms) }
  })

  it('are the same for every process, by the time of the server', async () => {
    const [mine, theirs] = [new RedisGates(connect(), prefix), new RedisGates(connect(), prefix)]
    expect(await mine.enter('both', terms('mine'))).toMatchObject({ entered: true })
    const refused = await theirs.enter('both', terms('theirs'))
    expect(refused).toMatchObject({ entered: false, full: true })
    expect('retryInMs' in refused && refused.retryInMs).toBeGreaterThan(1_000)
    expect('retryInMs' in refused && refused.retryInMs).toBeLessThanOrEqual(60_000)
    await mine.note('both', 'said', 60)
    await mine.leave('both', 'mine')
    expect(await theirs.enter('both', terms('theirs'))).toEqual({ entered: true, note: 'said' })
  })

  it('ask once: one command each for entering and for leaving', async () => {
    const redis = connect()
    const gates = new RedisGates(redis, prefix)
    await gates.enter('counted', terms('before'))
    const sent: string[] = []
    const send = redis.sendCommand.bind(redis)
    redis.sendCommand = (command, stream) => {
      sent.push(command.name)
      return send(command, stream)
    }
    await gates.enter('counted', { ...terms('a'), places: 5 })
    await gates.leave('counted', 'a')
    expect(sent).toEqual(['evalsha', 'zrem'])
  })

  it('leave nothing behind in redis for ever', async () => {
    const redis = connect()
    const gates = new RedisGates(redis, prefix)
    await gates.enter('ends', terms('a'))
    await gates.note('ends', 'n', 60)
    const keys = await redis.keys(`${prefix}:gate:{ends}:*`)
    expect(keys).toHaveLength(3)
    for (const key of keys) expect(await redis.pttl(key), key).toBeGreaterThan(0)
  })

  it('work with a server that does not know the script yet', async () => {
    // Of its own: the scripts of the run's are used by other tests at this moment.
    await using server = await startRedis()
    const redis = connect(server.url)
    expect(await new RedisGates(redis, prefix).enter('unknown script', terms('a'))).toMatchObject({ entered: true })
    redis.disconnect()
  })

  it('are UNAVAILABLE where no Redis answers', async () => {
    const gates = await awayGates()
    await expect(gates.enter('x', terms('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(gates.leave('x', 'a')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(gates.note('x', 'n', 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

/** Gates of a Redis that does not run. */
async function awayGates(): Promise<RedisGates> {
  const redis = new Redis({ port: await findFreePort(), maxRetriesPerRequest: 0, retryStrategy: () => 10 })
  redis.on('error', () => {})
  clients.push(redis)
  return new RedisGates(redis, prefix)
}

describe('gates with a fallback', () => {
  keepTheGateContract(() => {
    let now = Date.now()
    const clock = () => now
    const far = new RedisGates(clients[0] ?? connect(), `${prefix}:fallback`, clock)
    const gates = new FallbackGates(far, new MemoryGates(clock), () => {}, clock, PATIENT)
    return { gates, advance: ms => (now += ms) }
  })

  it("keep this process's own budget while redis is away, say so once, and return to it", async () => {
    let now = 1_000_000
    let away = true
    let asked = 0
    const shared = new MemoryGates(() => now)
    const far: Gates = {
      name: 'memory',
      enter: (key, asking) => {
        asked++
        return away ? Promise.reject(new Failure('UNAVAILABLE', 'away')) : shared.enter(key, asking)
      },
      leave: (key, token) => shared.leave(key, token),
      note: (key, note, ttlS) => shared.note(key, note, ttlS),
    }
    const told: string[] = []
    const gates = new FallbackGates(
      far,
      new MemoryGates(() => now),
      failure => told.push(failure.message),
      () => now,
    )
    const places = { ...terms('x'), places: 2 }
    const entered = []
    for (const token of ['a', 'b', 'c']) entered.push((await gates.enter('host', { ...places, token })).entered)
    expect(entered).toEqual([true, true, false])
    expect([asked, told]).toEqual([1, ['away']])
    now += 5_000
    await gates.enter('host', { ...places, token: 'd' })
    expect([asked, told.length]).toEqual([2, 2])
    away = false
    now += 5_000
    expect((await gates.enter('host', { ...places, token: 'e' })).entered).toBe(true)
    expect((await shared.enter('host', { ...places, places: 1, token: 'f' })).entered).toBe(false)
    for (const token of ['g', 'h']) await gates.enter('host', { ...places, token })
    expect(asked).toBe(5)
    for (const token of ['e', 'g', 'h']) await gates.leave('host', token)
    expect((await shared.enter('host', { ...places, places: 1, token: 'i' })).entered).toBe(true)
  })

  it('give back the places that were left while redis was away, and those whose answer was lost', async () => {
    let now = 1_000_000
    let away = false
    const clock = () => now
    const shared = new MemoryGates(clock)
    const orAway = async <T>(deed: () => Promise<T>): Promise<T> => {
      const done = await deed()
      if (away) throw new Failure('UNAVAILABLE', 'away')
      return done
    }
    const far: Gates = {
      name: 'memory',
      // Done, and the answer is lost.
      enter: (key, asking) => orAway(() => shared.enter(key, asking)),
      leave: (key, token) => (away ? Promise.reject(new Failure('UNAVAILABLE', 'away')) : shared.leave(key, token)),
      note: async () => {},
    }
    const gates = new FallbackGates(far, new MemoryGates(clock), () => {}, clock)
    const places = { ...terms(''), places: 4 }
    for (const token of ['a', 'b']) await gates.enter('host', { ...places, token })
    away = true
    await gates.leave('host', 'a')
    await gates.leave('host', 'b')
    now += 5_000
    for (const token of ['lost', 'near']) await gates.enter('host', { ...places, token })
    for (const token of ['lost', 'near']) await gates.leave('host', token)
    expect((await shared.enter('host', { ...places, places: 3, token: 'c' })).entered).toBe(false)
    away = false
    now += 5_000
    await gates.enter('host', { ...places, token: 'd' })
    await gates.leave('host', 'd')
    expect((await shared.enter('host', { ...places, places: 1, token: 'e' })).entered).toBe(true)
  })

  it('give back the places that were left while redis was away also when nobody enters any more', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let away = false
    const shared = new MemoryGates()
    const far: Gates = {
      name: 'memory',
      enter: (key, asking) => shared.enter(key, asking),
      leave: (key, token) => (away ? Promise.reject(new Failure('UNAVAILABLE', 'away')) : shared.leave(key, token)),
      note: async () => {},
    }
    const gates = new FallbackGates(far, new MemoryGates())
    const places = { ...terms(''), places: 3 }
    for (const token of ['a', 'b', 'in']) await gates.enter('host', { ...places, token })
    away = true
    for (const token of ['a', 'b']) await gates.leave('host', token)
    for (let round = 0; round < 3; round++) await vi.advanceTimersByTimeAsync(5_000)
    expect((await shared.enter('host', { ...places, token: 'c' })).entered).toBe(false)
    away = false
    for (let round = 0; round < 2; round++) await vi.advanceTimersByTimeAsync(5_000)
    const entered = []
    for (const token of ['d', 'e', 'f']) entered.push((await shared.enter('host', { ...places, token })).entered)
    expect(entered).toEqual([true, true, false])
  })

  it('do not wait for a redis that takes the command and never answers', async () => {
    const silent: Gates = {
      name: 'redis',
      enter: () => new Promise(() => {}),
      leave: async () => {},
      note: async () => {},
    }
    const gates = new FallbackGates(silent, new MemoryGates())
    const answers = await Promise.all(['a', 'b'].map(token => gates.enter('host', terms(token))))
    expect(answers.map(answer => answer.entered)).toEqual([true, false])
    expect(await gates.enter('other', terms('c'))).toMatchObject({ entered: true })
  })

  it('do not miss a redis that has answered while this process was held up itself', async () => {
    const told: string[] = []
    const shared = new MemoryGates()
    const far: Gates = {
      name: 'redis',
      // The answer is there after more than a second, and read once this process goes on.
      enter: async (key, asking) => {
        await sleep(1_200)
        return shared.enter(key, asking)
      },
      leave: (key, token) => shared.leave(key, token),
      note: async () => {},
    }
    const gates = new FallbackGates(far, new MemoryGates(), failure => told.push(failure.message))
    const entering = gates.enter('host', terms('b'))
    for (const begun = performance.now(); performance.now() - begun < 1_500; );
    expect(await entering).toMatchObject({ entered: true })
    expect(told).toEqual([])
    expect((await shared.enter('host', terms('c'))).entered).toBe(false)
  })

  it('never throw for a redis that does not run', async () => {
    const gates = new FallbackGates(await awayGates(), new MemoryGates())
    onTestFinished(() => gates.leave('host', 'a'))
    await gates.note('host', 'kept near', 60)
    expect(await gates.enter('host', terms('a'))).toEqual({ entered: true, note: 'kept near' })
    await gates.leave('host', 'a')
    expect(await gates.enter('host', terms('b'))).toMatchObject({ entered: true })
  })
})
