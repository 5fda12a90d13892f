import { Redis } from 'ioredis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { MemorySessions } from '../../src/api/sessions/memory.js'
import { RedisSessions } from '../../src/api/sessions/redis.js'
import { trialKeyOf } from '../../src/api/sessions/trial-key.js'
import type { Clock } from '../../src/kernel/clock.js'
import { eraseKeys } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { keepsTheSessionContract } from './sessions-contract.js'

const TERMS = { free: 1, firstWaitMs: 60_000, longestWaitMs: 60_000, forgetMs: 3_600_000 }

describe('in memory', () => {
  keepsTheSessionContract(clock => new MemorySessions(clock))

  test('what nobody waits for any more does not pile up', async () => {
    const clock = { now: 0 }
    const driver = new MemorySessions(() => clock.now)
    const sizes = () => [...(driver as unknown as { failures: Map<string, unknown> }).failures.keys()].length
    for (let key = 0; key < 1_000; key++) await driver.try([{ key: `${key}`, terms: TERMS }])
    expect(sizes()).toBe(1_000)
    clock.now += TERMS.forgetMs
    await driver.try([{ key: 'new', terms: TERMS }])
    expect(sizes()).toBe(1)
  })
})

describe('in Redis', () => {
  keepsTheSessionContract(clock => opened(clock).driver)

  test('all processes of an installation share them, and no other installation', async () => {
    const { driver, redis, prefix } = opened()
    await driver.begin('ops', 'one', 'p', 60_000)
    expect(await new RedisSessions(redis, prefix).find('ops', 'one')).toMatchObject({ password: 'p' })
    expect(await opened().driver.find('ops', 'one')).toBeNull()
    expect(await driver.try([{ key: 'a', terms: TERMS }])).toBe(0)
    expect(await new RedisSessions(redis, prefix).try([{ key: 'a', terms: TERMS }])).toBeGreaterThan(0)
  })

  test('each key ends by itself, and is one that erasing an installation finds', async () => {
    const { driver, redis, prefix } = opened()
    await driver.begin('ops', 'one', 'p', 60_000)
    await driver.begin('ops', 'two', 'p', 30_000)
    await driver.try([{ key: 'ip:127.0.0.1', terms: TERMS }])
    const keys = (await redis.keys(`*${prefix}*`)).sort()
    expect(keys.map(key => key.slice(prefix.length))).toEqual([
      ':session:{ops}:epoch',
      ':session:{ops}:id:one',
      ':session:{ops}:id:two',
      ':session:{ops}:trial:ip:127.0.0.1',
    ])
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0)
    expect(await redis.pttl(keys[0] ?? '')).toBeGreaterThan(30_000)
    expect(await eraseKeys(redis, prefix)).toBe(4)
    expect(await driver.find('ops', 'one')).toBeNull()
  })

  test('a Redis that lost its scripts learns them again', async () => {
    await using server = await startRedis()
    const redis = new Redis(server.url)
    const driver = new RedisSessions(redis, 'alone')
    await driver.begin('ops', 'one', 'p', 60_000)
    await redis.script('FLUSH')
    expect(await driver.find('ops', 'one')).toMatchObject({ password: 'p' })
    await driver.close()
  })

  test('nothing is said of sessions while Redis is away', async () => {
    const redis = new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: 1, retryStrategy: () => 10 })
    redis.on('error', () => {})
    const driver = new RedisSessions(redis, 'nowhere')
    const deeds = [
      driver.find('ops', 'a'),
      driver.begin('ops', 'a', 'p', 1),
      driver.endAll('ops'),
      driver.end('ops', 'a'),
      driver.try([{ key: 'a', terms: TERMS }]),
    ]
    for (const deed of await Promise.allSettled(deeds)) expect(deed).toMatchObject({ reason: { code: 'UNAVAILABLE' } })
    await driver.close()
  })
})

describe('the failures of an address', () => {
  test.each([
    ['192.0.2.7', 'ip:192.0.2.7'],
    ['::ffff:192.0.2.7', 'ip:192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', 'net:2001:db8:1:2'],
    ['2001:db8:1:2:ffff::1', 'net:2001:db8:1:2'],
    ['fe80::1%eth0', 'net:fe80:0:0:0'],
    ['::1', 'net:0:0:0:0'],
  ])('%s are counted under %s', (address, key) => {
    expect(trialKeyOf(address)).toBe(key)
  })
})

/** A driver of its own, whose keys are removed when the test ends. */
function opened(clock: Clock | null = null) {
  const env = sharedRedisEnv()
  const prefix = env.FEEDCTL_REDIS_PREFIX ?? ''
  const redis = new Redis(inject('redis').url)
  onTestFinished(async () => {
    redis.disconnect()
    await deleteRedisKeys(env)
  })
  return { driver: new RedisSessions(redis, prefix, clock), redis, prefix }
}
