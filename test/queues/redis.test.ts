import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { RedisQueue, startRedisWorker } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { findFreePort } from '../support/server.js'
import { becomes, job, keepsTheQueueContract, notingHandler } from './contract.js'
import { freshOptions, keptLog, openQueue, PLAIN, startWorker } from './redis-workers.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))
const fresh = () => freshOptions(env.REDIS_URL ?? '', env.FEEDCTL_REDIS_PREFIX ?? '')

describe('the redis queue', () => {
  keepsTheQueueContract(async (handler, own) => {
    const options = fresh()
    const queue = new RedisQueue(options)
    const worker = startRedisWorker({ ...options, ...PLAIN, ...own, handler })
    const close = async () => {
      await worker.stop(0)
      await queue.close()
    }
    return { queue, close }
  })

  it('keeps jobs until there is a worker, and has none before', async () => {
    const options = fresh()
    const queue = openQueue(options)
    await queue.add([job(1), job(2)])
    expect(await queue.consumers('sync')).toBe(0)
    const { calls, handler } = notingHandler()
    startWorker(options, { handler })
    await becomes(() => expect(calls.map(call => call.payload.id)).toEqual([1, 2]))
  })

  it('brings each job to the queue it is for, and knows whose consumers are there', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const media = notingHandler()
    const others = notingHandler()
    startWorker(options, { handler: media.handler, queues: ['media'] })
    startWorker(options, { handler: others.handler, queues: ['sync', 'maintenance'] })
    await becomes(async () => expect(await queue.consumers('maintenance')).toBe(1))
    expect(await queue.consumers('analytics')).toBe(0)
    // The same id in another queue is another job.
    await queue.add([
      job(1),
      { ...job(1), queue: 'media' },
      { ...job(2), queue: 'analytics' },
      { ...job(3), queue: 'maintenance' },
    ])
    await becomes(() => expect(others.calls.map(call => call.payload.id).sort()).toEqual([1, 3]))
    await becomes(() => expect(media.calls.map(call => call.payload.id)).toEqual([1]))
  })

  it('is told from a queue of another prefix', async () => {
    const options = fresh()
    const { calls, handler } = notingHandler()
    startWorker(options, { handler })
    await openQueue({ ...options, prefix: `${options.prefix}x` }).add([job('other prefix')])
    await openQueue(options).add([job('mine')])
    await becomes(() => expect(calls.map(call => call.payload.id)).toEqual(['mine']))
  })

  it('leaves out what is in quarantine, and tells which', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const redis = options.connect('producer')
    await redis.hset(`{${options.prefix}}:quarantine`, 'sync job:1', '{}', 'media job:2', '{}')
    expect(await queue.add([job(1), job(2), job(3)])).toEqual({ added: 2, existing: 0, quarantined: ['job:1'] })
    await redis.hdel(`{${options.prefix}}:quarantine`, 'sync job:1')
    expect(await queue.add([job(1), job(2)])).toEqual({ added: 1, existing: 1, quarantined: [] })
    redis.disconnect()
  })

  it('is UNAVAILABLE where no Redis answers', async () => {
    const port = await findFreePort()
    const connect = () => {
      const redis = new Redis({ port, maxRetriesPerRequest: 1, retryStrategy: () => 10 })
      redis.on('error', () => {})
      return redis
    }
    const queue = openQueue({ ...fresh(), connect })
    await expect(queue.add([job(1)])).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: true })
    await expect(queue.consumers('sync')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('says that Redis is full, and with memory again workers go on', async () => {
    await using server = await startRedis()
    const { log, lines } = keptLog()
    const options = freshOptions(server.url, 'full', log)
    const queue = openQueue(options)
    const redis = options.connect('producer')
    await queue.add([job(1)])
    await redis.config('SET', 'maxmemory', 1)
    await expect(queue.add([job(2)])).rejects.toMatchObject({ code: 'REDIS_FULL', hint: expect.stringContaining('maxmemory') })
    const { calls, handler } = notingHandler()
    const states: string[] = []
    const worker = startWorker(options, { handler, tell: card => states.push(card.state) })
    await becomes(() => expect(lines.join()).toContain('OOM'))
    await becomes(() => expect(states).toContain('full'))
    const since = states.length
    // It is asked again every second, and says all the time what it waits for.
    await becomes(() => expect(states.length).toBeGreaterThan(since + 4))
    expect(new Set(states.slice(since))).toEqual(new Set(['full']))
    expect(calls).toEqual([])
    await redis.config('SET', 'maxmemory', 0)
    await queue.add([job(2)])
    await becomes(() => expect(calls.map(call => call.payload.id).sort()).toEqual([1, 2]))
    await expect.poll(() => states.at(-1), { timeout: 20_000 }).toBe('working')
    await worker.stop(5_000)
    redis.disconnect()
  })
})
