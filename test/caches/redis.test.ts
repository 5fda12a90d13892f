import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { LayeredCache, MemoryCache, RedisCache } from '../../src/caches/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { findFreePort } from '../support/server.js'
import { keepsTheCacheContract } from './contract.js'

const env = sharedRedisEnv()
const prefix = env.FEEDCTL_REDIS_PREFIX ?? ''
const connect = () => new Redis(env.REDIS_URL ?? '')
afterAll(() => deleteRedisKeys(env))

/** Redis counts in milliseconds of its own: the key's time is set to be over. */
async function expireKey(key: string): Promise<void> {
  const client = connect()
  expect(await client.pexpire(`${prefix}:cache:${key}`, 0)).toBe(1)
  client.disconnect()
}

describe('the redis cache', () => {
  keepsTheCacheContract(async () => ({ cache: new RedisCache(connect(), prefix), expire: () => expireKey('short') }))

  it('gives the key the time it was put with', async () => {
    const [cache, client] = [new RedisCache(connect(), prefix), connect()]
    onTestFinished(async () => {
      await cache.close()
      client.disconnect()
    })
    await cache.put('timed', new Uint8Array(1), 1_000)
    const ttl = await client.ttl(`${prefix}:cache:timed`)
    expect(ttl).toBeGreaterThan(900)
    expect(ttl).toBeLessThanOrEqual(1_000)
  })

  it('keeps what another process can read, byte for byte', async () => {
    const [mine, theirs, client] = [new RedisCache(connect(), prefix), new RedisCache(connect(), prefix), connect()]
    onTestFinished(async () => {
      await Promise.all([mine.close(), theirs.close()])
      client.disconnect()
    })
    await mine.put('shared', new Uint8Array(100_000), 60)
    expect((await theirs.get('shared'))?.byteLength).toBe(100_000)
    expect(await client.strlen(`${prefix}:cache:shared`)).toBe(100_000)
  })

  it('is UNAVAILABLE where no Redis answers', async () => {
    const port = await findFreePort()
    const redis = new Redis({ port, maxRetriesPerRequest: 1, retryStrategy: () => 10 })
    redis.on('error', () => {})
    const cache = new RedisCache(redis, prefix)
    onTestFinished(() => cache.close())
    await expect(cache.get('x')).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: true })
    await expect(cache.put('x', new Uint8Array(1), 60)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(cache.delete('x')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('the layered cache', () => {
  keepsTheCacheContract(async () => {
    let now = Date.now()
    return {
      cache: new LayeredCache(new MemoryCache(10_000_000, () => now), new RedisCache(connect(), `${prefix}:layered`), 300),
      expire: async () => {
        now += 60_000
        const client = connect()
        await client.pexpire(`${prefix}:layered:cache:short`, 0)
        client.disconnect()
      },
    }
  })

  it('answers from its near side without the far one, and forgets there no later than told', async () => {
    let now = 1_000
    const [near, far] = [new MemoryCache(10_000, () => now), new MemoryCache(10_000)]
    const cache = new LayeredCache(near, far, 5)
    await far.put('key', new Uint8Array([1]), 60)
    expect(await cache.get('key')).toEqual(new Uint8Array([1]))
    await far.delete('key')
    expect(await cache.get('key')).toEqual(new Uint8Array([1]))
    now += 5_000
    expect(await cache.get('key')).toBeNull()
  })

  it('keeps the bytes near when the far side does not answer, and says that it did not', async () => {
    const redis = new Redis({ port: await findFreePort(), maxRetriesPerRequest: 0, retryStrategy: () => 10 })
    redis.on('error', () => {})
    const near = new MemoryCache(10_000)
    const cache = new LayeredCache(near, new RedisCache(redis, prefix), 60)
    onTestFinished(() => cache.close())
    await expect(cache.put('key', new Uint8Array(1), 60)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await near.get('key')).toEqual(new Uint8Array(1))
  })
})
