import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { eraseKeys, greetRedis } from '../../src/queues/index.js'
import { deleteRedisKeys } from '../support/drivers.js'

describe('erasing the keys under a prefix', () => {
  // Of the form that `deleteRedisKeys` agrees to remove afterwards.
  const prefix = `t${randomBytes(5).toString('hex')}`
  let redis: Redis

  beforeAll(() => {
    redis = new Redis(inject('redis').url)
  })
  afterAll(async () => {
    await deleteRedisKeys({ REDIS_URL: inject('redis').url, FEEDCTL_REDIS_PREFIX: prefix })
    redis.disconnect()
  })

  test('takes thousands of both kinds and leaves the neighbours', async () => {
    const ours = Array.from({ length: 2_500 }, (_, n) => (n % 2 ? `${prefix}:cache:${n}` : `{${prefix}}:sync:${n}`))
    const theirs = [`${prefix}x:a`, `{${prefix}x}:a`, `x${prefix}:a`, prefix, `x:${prefix}:a`]
    await redis.mset(...[...ours, ...theirs].flatMap(key => [key, '1']))
    expect(await eraseKeys(redis, prefix)).toBe(2_500)
    expect(await redis.mget(theirs)).toEqual(theirs.map(() => '1'))
    expect(await redis.exists(...ours)).toBe(0)
    expect(await eraseKeys(redis, prefix)).toBe(0)
    await redis.unlink(...theirs)
  })

  test('is a failure when Redis is not there', async () => {
    const nowhere = new Redis('redis://127.0.0.1:1', { maxRetriesPerRequest: 1, retryStrategy: () => 10 })
    nowhere.on('error', () => {})
    await expect(greetRedis(nowhere)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(eraseKeys(nowhere, prefix)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    nowhere.disconnect()
  })
})
