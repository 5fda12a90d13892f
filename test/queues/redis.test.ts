import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import {
  type JobHandler,
  RedisQueue,
  type RedisQueueOptions,
  startRedisWorker,
  type WorkOptions,
} from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { findFreePort } from '../support/server.js'
import { becomes, closedDoor, job, keepsTheQueueContract, notingHandler } from './contract.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))

let turn = 0
/** A queue of its own for every test, under the prefix that is deleted afterwards. */
function freshOptions(): RedisQueueOptions {
  const connect = (purpose: 'worker' | 'producer') =>
    new Redis(env.REDIS_URL ?? '', { maxRetriesPerRequest: purpose === 'worker' ? null : 1 })
  return { connect, prefix: env.FEEDCTL_REDIS_PREFIX ?? '', queue: `q${++turn}`, log: new Log(() => {}) }
}

function openQueue(options: RedisQueueOptions): RedisQueue {
  const queue = new RedisQueue(options)
  onTestFinished(() => queue.close())
  return queue
}

function startWorker(
  options: RedisQueueOptions,
  handler: JobHandler,
  own: Partial<WorkOptions> & { maxJobs?: number | null } = {},
) {
  const worker = startRedisWorker({ ...options, concurrency: 2, tries: 2, maxJobs: null, handler, ...own })
  onTestFinished(async () => void (await worker.stop(0)))
  return worker
}

/** Ends when its signal says so, as the jobs of feedctl do. */
const untilHandedBack = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })

describe('the redis queue', () => {
  keepsTheQueueContract(async (handler, own) => {
    const options = freshOptions()
    const queue = new RedisQueue(options)
    const worker = startRedisWorker({ ...options, ...own, maxJobs: null, handler })
    const close = async () => {
      await worker.stop(0)
      await queue.close()
    }
    return { queue, close }
  })

  it('keeps jobs until there is a worker, and has none before', async () => {
    const options = freshOptions()
    const queue = openQueue(options)
    await queue.add([job(1), job(2)])
    expect(await queue.consumers()).toBe(0)
    const { calls, handler } = notingHandler()
    startWorker(options, handler)
    await becomes(() => expect(calls.map(call => call.payload.id)).toEqual([1, 2]))
  })

  it('ends by itself after as many jobs as it was given, failed ones included', async () => {
    const options = freshOptions()
    const queue = openQueue(options)
    const { calls, handler } = notingHandler(({ payload }) => {
      if (payload.id === 1) throw new Failure('TENANT_NOT_FOUND', 'gone')
    })
    await queue.add([job(1), job(2)])
    const worker = startWorker(options, handler, { concurrency: 1, maxJobs: 2 })
    await worker.ended
    expect(await worker.stop(10_000)).toEqual({ finished: 1, failed: 1, handedBack: 0 })
    expect(calls).toHaveLength(2)
  })

  it('waits in stopping for what is under way', async () => {
    const options = freshOptions()
    const queue = openQueue(options)
    const door = closedDoor()
    const { calls, handler } = notingHandler(() => door.opened)
    const worker = startWorker(options, handler, { concurrency: 1 })
    await queue.add([job(1), job(2)])
    await becomes(() => expect(calls).toHaveLength(1))
    const stopped = worker.stop(60_000)
    door.open()
    expect(await stopped).toEqual({ finished: 1, failed: 0, handedBack: 0 })
    expect(calls).toHaveLength(1)
  })

  it('hands back what is unfinished at the deadline, and another worker runs it as if for the first time', async () => {
    const options = freshOptions()
    const queue = openQueue(options)
    const first = notingHandler(({ context }) => untilHandedBack(context.signal))
    const worker = startWorker(options, first.handler, { concurrency: 2 })
    await queue.add([job(1), job(2), job(3)])
    await becomes(() => expect(first.calls).toHaveLength(2))
    expect(await worker.stop(0)).toEqual({ finished: 0, failed: 0, handedBack: 2 })
    const second = notingHandler()
    startWorker(options, second.handler, { tries: 1 })
    await becomes(() => expect(second.calls.map(call => call.payload.id).sort()).toEqual([1, 2, 3]))
    expect(second.calls.map(call => call.context.attempt)).toEqual([1, 1, 1])
  })

  it('shares the load between workers, and never runs one job twice at a time', async () => {
    const options = freshOptions()
    const queue = openQueue(options)
    const running = new Set<unknown>()
    const overlaps: unknown[] = []
    const noted = [1, 2].map(() =>
      notingHandler(async ({ payload }) => {
        if (running.has(payload.id)) overlaps.push(payload.id)
        running.add(payload.id)
        await new Promise(setImmediate)
        running.delete(payload.id)
      }),
    )
    for (const { handler } of noted) startWorker(options, handler, { concurrency: 4 })
    await becomes(async () => expect(await queue.consumers()).toBe(2))
    for (let round = 0; round < 20; round++) await queue.add(Array.from({ length: 25 }, (_, n) => job(n)))
    await queue.add(Array.from({ length: 200 }, (_, n) => job(`last ${n}`)))
    const ids = () => noted.flatMap(({ calls }) => calls.map(call => call.payload.id))
    await becomes(() => expect(new Set(ids()).size).toBe(225))
    expect(overlaps).toEqual([])
    for (const { calls } of noted) expect(calls.length).toBeGreaterThan(0)
  })

  it('is told from a queue of another name and of another prefix', async () => {
    const options = freshOptions()
    const { calls, handler } = notingHandler()
    startWorker(options, handler)
    await openQueue({ ...options, queue: `${options.queue}x` }).add([job('other queue')])
    await openQueue({ ...options, prefix: `${options.prefix}x` }).add([job('other prefix')])
    await openQueue(options).add([job('mine')])
    await becomes(() => expect(calls.map(call => call.payload.id)).toEqual(['mine']))
  })

  it('is UNAVAILABLE where no Redis answers', async () => {
    const port = await findFreePort()
    const connect = () => {
      const redis = new Redis({ port, maxRetriesPerRequest: 1, retryStrategy: () => 10 })
      redis.on('error', () => {})
      return redis
    }
    const queue = openQueue({ ...freshOptions(), connect })
    await expect(queue.add([job(1)])).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: true })
    await expect(queue.consumers()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
