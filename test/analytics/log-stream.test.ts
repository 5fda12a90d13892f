import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeBatch } from '../../src/analytics/log/codec.js'
import type { TakenBatches } from '../../src/analytics/log/driver.js'
import { EventStream } from '../../src/analytics/log/stream.js'
import { entryOf } from '../../src/analytics/log/stream-entries.js'
import { chunksOf } from '../../src/kernel/chunks.js'
import { Log } from '../../src/kernel/log.js'
import { eraseKeys } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { findFreePort } from '../support/server.js'
import { batchOf, drained, keepsTheLogContract } from './log-contract.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))

const freshPrefix = () => `${env.FEEDCTL_REDIS_PREFIX}l${randomBytes(4).toString('hex')}`

function connect(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 })
  redis.on('error', () => {})
  return redis
}

function openStream(prefix: string, url = env.REDIS_URL ?? '', lines: string[] = []): EventStream {
  const log = new Log(line => lines.push(line))
  const stream = new EventStream({ redis: connect(url), prefix, maxBytes: 1024 ** 3, log })
  onTestFinished(() => stream.close())
  return stream
}

/** As if its only taker had said nothing for so long of what it works on: a minute is how long it takes to be dead. */
async function age(prefix: string, ms: number): Promise<void> {
  const redis = connect(env.REDIS_URL ?? '')
  const key = `{${prefix}}:event-log`
  const pending = (await redis.xpending(key, 'counting', '-', '+', 100_000)) as [id: string, taker: string][]
  for (const some of chunksOf(pending, 1_000)) {
    const taker = some[0]?.[1] ?? ''
    await redis.xclaim(key, 'counting', taker, 0, ...some.map(([id]) => id), 'IDLE', ms, 'JUSTID')
  }
  redis.disconnect()
}

/** Lets the time pass in which takers say what they work on, until nothing is left of which that was half a minute ago. */
async function passHalfAMinute(prefix: string): Promise<void> {
  await age(prefix, 30_000)
  vi.advanceTimersByTime(30_000)
  const redis = connect(env.REDIS_URL ?? '')
  await expect.poll(() => redis.xpending(`{${prefix}}:event-log`, 'counting', 'IDLE', 30_000, '-', '+', 1)).toEqual([])
  redis.disconnect()
}

function fakeIntervals(): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
}

const ids = async (stream: EventStream) => (await drained(stream)).map(({ id }) => id)

describe('the stream', () => {
  keepsTheLogContract(() => {
    const prefix = freshPrefix()
    const url = env.REDIS_URL ?? ''
    return {
      open: (maxBytes = 1024 ** 3) => new EventStream({ redis: connect(url), prefix, maxBytes, log: new Log(() => {}) }),
      settings: { url, prefix },
      killed: () => age(prefix, 60_000),
    }
  })

  it('gathers what arrives together into few entries', async () => {
    const prefix = freshPrefix()
    const stream = openStream(prefix)
    await Promise.all(Array.from({ length: 500 }, (_, n) => stream.append(batchOf(`${n}`, 2))))
    const redis = connect(env.REDIS_URL ?? '')
    onTestFinished(() => redis.disconnect())
    expect(await redis.xlen(`{${prefix}}:event-log`)).toBeLessThan(100)
    expect((await stream.backlog()).batches).toBe(500)
    expect(await ids(stream)).toHaveLength(500)
  })

  it('takes, keeps, gives back and forgets tens of thousands of small entries', async () => {
    const prefix = freshPrefix()
    const redis = connect(env.REDIS_URL ?? '')
    onTestFinished(() => redis.disconnect())
    const keys = [`{${prefix}}:event-log`, `{${prefix}}:event-log:sums`] as const
    const entry = entryOf([encodeBatch(batchOf('small', 1))])
    // By hand: as many processes that append one after the other do in an hour.
    for (let round = 0; round < 30; round++) {
      const pipeline = redis.pipeline()
      for (let n = 0; n < 2_000; n++) pipeline.xadd(keys[0], '*', 'd', entry)
      await pipeline.exec()
    }
    await redis.hset(keys[1], { bytes: 60_000 * entry.length, batches: 60_000 })
    const [first, second] = [openStream(prefix), openStream(prefix)]
    const takeAll = async (stream: EventStream) => {
      const all: TakenBatches[] = []
      for (let taken = await stream.take(500_000); taken !== null; taken = await stream.take(500_000)) all.push(taken)
      return all
    }
    const count = (all: readonly TakenBatches[]) => all.reduce((sum, { batches }) => sum + batches.length, 0)
    fakeIntervals()
    expect(count(await takeAll(first))).toBe(60_000)
    await passHalfAMinute(prefix)
    expect(await second.take(1)).toBeNull()
    await first.close()
    const again = await takeAll(second)
    expect(count(again)).toBe(60_000)
    for (const taken of again) await taken.done()
    expect(await second.backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
  })

  it('hands out about as many events as are asked for, however large entries are', async () => {
    const stream = openStream(freshPrefix())
    for (let n = 0; n < 3; n++) await stream.append(batchOf(`small ${n}`, 1))
    for (let n = 0; n < 20; n++) await stream.append(batchOf(`large ${n}`, 5_000))
    const other = openStream(freshPrefix())
    const batch = batchOf('large', 10_000)
    const extras = new Array(10_000).fill('x'.repeat(1_000))
    for (let n = 0; n < 6; n++) await other.append({ ...batch, events: { ...batch.events, extras } })
    const sizes: number[] = []
    for (let taken = await stream.take(12_000); taken !== null; taken = await stream.take(12_000)) {
      sizes.push(taken.batches.reduce((sum, { events }) => sum + events.length, 0))
      await taken.done()
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(17_000)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(100_003)
    expect((await other.take(500_000))?.batches.length).toBe(4)
  })

  it('keeps what a slow taker works on', async () => {
    const prefix = freshPrefix()
    const [slow, other] = [openStream(prefix), openStream(prefix)]
    fakeIntervals()
    await slow.append(batchOf('slow'))
    const taken = await slow.take(10)
    for (let half = 0; half < 3; half++) await passHalfAMinute(prefix)
    expect(await other.take(10)).toBeNull()
    await taken?.done()
  })

  it('goes on when its keys were erased, also those that were being worked on', async () => {
    const prefix = freshPrefix()
    const [stream, other] = [openStream(prefix), openStream(prefix)]
    await stream.append(batchOf('gone'))
    const taken = await stream.take(10)
    await stream.append(batchOf('gone too'))
    const redis = connect(env.REDIS_URL ?? '')
    onTestFinished(() => redis.disconnect())
    expect(await eraseKeys(redis, prefix)).toBe(2)
    await taken?.done()
    expect(await other.take(10)).toBeNull()
    await other.append(batchOf('next'))
    expect(await ids(stream)).toEqual(['next'])
    expect(await stream.backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
  })

  it('leaves what it cannot read for a later feedctl, and hands out the rest', async () => {
    const prefix = freshPrefix()
    const lines: string[] = []
    const stream = openStream(prefix, undefined, lines)
    const redis = connect(env.REDIS_URL ?? '')
    onTestFinished(() => redis.disconnect())
    await redis.xadd(`{${prefix}}:event-log`, '*', 'd', Buffer.from([1, 4, 99, 1, 2, 3]))
    await stream.append(batchOf('mine'))
    expect(await ids(stream)).toEqual(['mine'])
    expect(lines.join()).toContain('version 99')
    // Nobody is to look after it again and again.
    expect(await stream.isTaken()).toBe(false)
    expect(await redis.xlen(`{${prefix}}:event-log`)).toBe(1)
    expect((await stream.backlog()).batches).toBe(1)
  })

  it('tells a Redis that is full from one that is away, and can be emptied while it is full', async () => {
    await using server = await startRedis()
    const redis = connect(server.url)
    const stream = openStream('full', server.url)
    await stream.append(batchOf('kept'))
    await redis.config('SET', 'maxmemory', 1)
    await expect(stream.append(batchOf('refused'))).rejects.toMatchObject({ code: 'REDIS_FULL', retry: true })
    await redis.config('SET', 'maxmemory', 0)
    const taken = await stream.take(10)
    await redis.config('SET', 'maxmemory', 1)
    await taken?.done()
    expect(await stream.backlog()).toEqual({ batches: 0, bytes: 0, oldestAt: null })
    await redis.config('SET', 'maxmemory', 0)
    await stream.append(batchOf('again'))
    expect(await ids(stream)).toEqual(['again'])
    redis.disconnect()
  })

  it('is UNAVAILABLE where no Redis answers', async () => {
    const redis = new Redis({ port: await findFreePort(), maxRetriesPerRequest: 1, retryStrategy: () => 10 })
    redis.on('error', () => {})
    const stream = new EventStream({ redis, prefix: 'away', maxBytes: 1024 ** 3, log: new Log(() => {}) })
    await expect(stream.append(batchOf('x'))).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: true })
    await expect(stream.take(1)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(stream.backlog()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(stream.isTaken()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await stream.close()
  })
})
