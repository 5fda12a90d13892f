import { setTimeout as pause } from 'node:timers/promises'
import { Queue as BullQueue } from 'bullmq'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import type { QueueName, WorkerCard } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { becomes, closedDoor, job, notingHandler, untilStopped } from './contract.js'
import { freshOptions, keptLog, openQueue, startWorker } from './redis-workers.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))
const fresh = (log = keptLog().log) => freshOptions(env.REDIS_URL ?? '', env.FEEDCTL_REDIS_PREFIX ?? '', log)

describe('a worker', () => {
  it('ends by itself after as many jobs as it was given, failed ones and those of other queues included', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const { calls, handler } = notingHandler(({ payload }) => {
      if (payload.id === 1) throw new Failure('TENANT_NOT_FOUND', 'gone')
    })
    await queue.add([job(1)])
    const worker = startWorker(options, { handler, concurrency: 1, maxJobs: 2, queues: ['sync', 'media'] })
    await becomes(() => expect(calls).toHaveLength(1))
    await queue.add([{ ...job(2), queue: 'media' }])
    expect(await worker.ended).toBe('max-jobs')
    // It takes no more, though nobody has stopped it yet.
    await queue.add([job(3), { ...job(4), queue: 'media' }])
    expect(await worker.stop(10_000)).toEqual({ finished: 1, failed: 1, handedBack: 0, interrupted: [] })
    expect(calls).toHaveLength(2)
  })

  it.each([
    ['max-time', { maxTimeMs: 50 }],
    ['memory', { memoryBytes: 1_000_000 }],
  ])('ends by itself when its %s is reached', async (limit, own) => {
    const worker = startWorker(fresh(), { ...notingHandler(), ...own })
    expect(await worker.ended).toBe(limit)
    expect(await worker.stop(1_000)).toEqual({ finished: 0, failed: 0, handedBack: 0, interrupted: [] })
  })

  it('that starts paused takes nothing before it is told to go on', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const { calls, handler } = notingHandler()
    const cards: WorkerCard[] = []
    await queue.add([job(1)])
    const worker = startWorker(options, { handler, paused: true, tell: card => cards.push(card) })
    await becomes(() => expect(cards.length).toBeGreaterThan(2))
    expect([cards.map(card => card.state), calls]).toEqual([cards.map(() => 'paused'), []])
    worker.resume()
    await becomes(() => expect(calls).toHaveLength(1))
  })

  it('counts that it asks its queues for jobs, also where nothing waits, or all is for later, or one slot is busy', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const door = closedDoor()
    const { calls, handler } = notingHandler(() => door.opened)
    const cards: WorkerCard[] = []
    const queues: QueueName[] = ['sync', 'media', 'analytics', 'maintenance']
    const bull = new BullQueue('media', { connection: options.connect('producer'), prefix: `{${options.prefix}}` })
    onTestFinished(() => bull.close())
    await bull.add('Note', {}, { delay: 3_600_000 })
    const paused = new BullQueue('analytics', { connection: options.connect('producer'), prefix: `{${options.prefix}}` })
    onTestFinished(() => paused.close())
    await paused.pause()
    await queue.add([job(1)])
    startWorker(options, { handler, queues, tell: card => cards.push(card) })
    await becomes(() => expect(calls).toHaveLength(1))
    const looksOf = () => cards.at(-1)?.queues.map(({ looks }) => looks) ?? []
    await becomes(() => expect(Math.min(...looksOf())).toBeGreaterThan(0))
    const before = looksOf()
    await expect.poll(() => looksOf().every((looks, at) => looks > (before[at] ?? 0)), { timeout: 25_000 }).toBe(true)
    door.open()
  })

  it('waits in stopping for what is under way, in every queue', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const door = closedDoor()
    const { calls, handler } = notingHandler(() => door.opened)
    const worker = startWorker(options, { handler, concurrency: 1, queues: ['sync', 'media'] })
    await queue.add([job(1), job(2), { ...job(3), queue: 'media' }])
    await becomes(() => expect(calls).toHaveLength(2))
    const stopped = worker.stop(60_000)
    door.open()
    expect(await stopped).toEqual({ finished: 2, failed: 0, handedBack: 0, interrupted: [] })
    expect(calls).toHaveLength(2)
  })

  it('hands back what is unfinished at the deadline, names it, and another worker runs it as if for the first time', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const first = notingHandler(({ context }) => untilStopped(context.signal))
    const worker = startWorker(options, { handler: first.handler, queues: ['sync', 'media'] })
    await queue.add([1, 2, 3].map(id => ({ ...job(id), payload: { id, tenantId: id } })))
    await queue.add([{ ...job(4), queue: 'media' }])
    await becomes(() => expect(first.calls).toHaveLength(3))
    const { interrupted, ...counts } = await worker.stop(0)
    expect(counts).toEqual({ finished: 0, failed: 0, handedBack: 3 })
    expect([...interrupted].sort((a, b) => Number(a.tenantId) - Number(b.tenantId))).toEqual([
      { queue: 'media', id: expect.any(String), name: 'Note', tenantId: null },
      { queue: 'sync', id: expect.any(String), name: 'Note', tenantId: 1 },
      { queue: 'sync', id: expect.any(String), name: 'Note', tenantId: 2 },
    ])
    const second = notingHandler()
    startWorker(options, { handler: second.handler, tries: 1, queues: ['sync', 'media'] })
    await becomes(() => expect(second.calls.map(call => call.payload.id).sort()).toEqual([1, 2, 3, 4]))
    expect(second.calls.map(call => call.context.attempt)).toEqual([1, 1, 1, 1])
  })

  it('hands back a job that does not stop when it is told to', async () => {
    const { log, lines } = keptLog()
    const options = fresh(log)
    const queue = openQueue(options)
    const deaf = notingHandler(() => new Promise(() => {}))
    const worker = startWorker(options, deaf)
    await queue.add([job(1)])
    await becomes(() => expect(deaf.calls).toHaveLength(1))
    expect(await worker.stop(0)).toMatchObject({ handedBack: 1 })
    expect(lines.join('\n')).toContain('does not stop: it is given back')
    const { calls, handler } = notingHandler()
    startWorker(options, { handler })
    await becomes(() => expect(calls).toHaveLength(1))
  })

  it('takes the slot from a job that heeds no deadline, and writes its outcome after the last attempt', async () => {
    const { log, lines } = keptLog()
    const options = fresh(log)
    const queue = openQueue(options)
    const buried: unknown[] = []
    const { calls, handler } = notingHandler(({ payload }) => (payload.id === 'deaf' ? new Promise(() => {}) : undefined))
    startWorker(options, {
      handler,
      concurrency: 1,
      tries: 2,
      timeoutMs: 100,
      pace: { graceMs: 50 },
      bury: async (name, payload, failure) => void buried.push([name, payload, failure.code]),
    })
    await queue.add([job('deaf'), job('next')])
    await becomes(() => expect(buried).toEqual([['Note', { id: 'deaf' }, 'JOB_TIMEOUT']]))
    expect(calls.map(call => call.payload.id)).toEqual(['deaf', 'next', 'deaf'])
    expect(lines.filter(line => line.startsWith('error Note does not stop at its deadline'))).toHaveLength(2)
    const redis = options.connect('producer')
    const keys = await redis.zrange(`{${options.prefix}}:sync:failed`, 0, -1)
    expect(await redis.hget(`{${options.prefix}}:sync:${keys[0]}`, 'failedReason')).toMatch(/^JOB_TIMEOUT: /)
    redis.disconnect()
  })

  it('shares the load with others, and never runs one job twice at a time', async () => {
    const options = fresh()
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
    for (const { handler } of noted) startWorker(options, { handler, concurrency: 4 })
    await becomes(async () => expect(await queue.consumers('sync')).toBe(2))
    for (let round = 0; round < 20; round++) await queue.add(Array.from({ length: 25 }, (_, n) => job(n)))
    await queue.add(Array.from({ length: 200 }, (_, n) => job(`last ${n}`)))
    const ids = () => noted.flatMap(({ calls }) => calls.map(call => call.payload.id))
    await becomes(() => expect(new Set(ids()).size).toBe(225))
    expect(overlaps).toEqual([])
    for (const { calls } of noted) expect(calls.length).toBeGreaterThan(0)
  })

  it('takes nothing while it is paused, and goes on when it is resumed, both calm when done twice', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const { calls, handler } = notingHandler()
    const worker = startWorker(options, { handler, queues: ['sync', 'media'] })
    await becomes(async () => expect(await queue.consumers('media')).toBe(1))
    worker.pause()
    worker.pause()
    await queue.add([job(1), job(2), { ...job(3), queue: 'media' }, { ...job(4), queue: 'media' }])
    await pause(300)
    expect(calls).toEqual([])
    worker.resume()
    worker.resume()
    await becomes(() => expect(calls).toHaveLength(4))
  })

  it('leaves what is added while it is paused to another at once', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const paused = notingHandler()
    const other = notingHandler()
    const worker = startWorker(options, { handler: paused.handler })
    await becomes(async () => expect(await queue.consumers('sync')).toBe(1))
    startWorker(options, { handler: other.handler, concurrency: 1 })
    await becomes(async () => expect(await queue.consumers('sync')).toBe(2))
    worker.pause()
    await queue.add([job(1)])
    // Sooner than it would look by itself.
    await expect.poll(() => other.calls.length, { timeout: 4_500 }).toBe(1)
    expect(paused.calls).toEqual([])
  })

  it('answers a canary itself, which counts as taken and as nothing else', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const { calls, handler } = notingHandler()
    const cards: WorkerCard[] = []
    const worker = startWorker(options, { handler, tell: card => cards.push(card) })
    await queue.add([{ queue: 'sync', name: 'Canary', payload: { token: 'abc' }, dedupeId: 'canary:abc' }])
    const redis = options.connect('producer')
    await becomes(async () => expect(await redis.pttl(`{${options.prefix}}:board:canary:abc`)).toBeGreaterThan(30_000))
    redis.disconnect()
    expect(await worker.stop(5_000)).toMatchObject({ finished: 0, failed: 0 })
    expect(cards.at(-1)?.queues).toMatchObject([{ taken: 1, finished: 0, failed: 0, recent: { finished: 0, failed: 0 } }])
    expect(calls).toEqual([])
  })

  it('refuses a job that is in quarantine, though it waits in the queue, and writes its outcome', async () => {
    const options = fresh()
    const queue = openQueue(options)
    await queue.add([job(1), job(2)])
    const redis = options.connect('producer')
    await redis.hset(`{${options.prefix}}:quarantine`, 'sync job:1', '{}')
    const buried: unknown[] = []
    const { calls, handler } = notingHandler()
    startWorker(options, {
      handler,
      bury: async (_name, payload, failure) => void buried.push([payload.id, failure.code]),
    })
    await becomes(() => expect(buried).toEqual([[1, 'JOB_QUARANTINED']]))
    await becomes(async () => expect(await redis.llen(`{${options.prefix}}:sync:active`)).toBe(0))
    expect(calls.map(call => call.payload.id)).toEqual([2])
    redis.disconnect()
  })
})

describe('the card of a worker', () => {
  it('tells what it runs and what it has done, and is gone with it', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const door = closedDoor()
    const { calls, handler } = notingHandler(async ({ payload }) => {
      if (payload.id === 'stays') await door.opened
      if (payload.id === 'bad') throw new Failure('TENANT_NOT_FOUND', 'gone')
    })
    const cards: WorkerCard[] = []
    const queues: QueueName[] = ['sync', 'media']
    const worker = startWorker(options, { handler, queues, supervisor: 'host:1:boss', tell: card => cards.push(card) })
    await queue.add([{ ...job('stays'), payload: { id: 'stays', tenantId: 7 } }, job('good'), job('bad')])
    await becomes(() => expect(calls).toHaveLength(3))
    const jobs = [{ queue: 'sync', tenantId: 7 }]
    await becomes(() =>
      expect(cards.at(-1)).toMatchObject({ jobs, queues: [{ taken: 3, finished: 1, failed: 1, active: 1 }, {}] }),
    )
    const card = cards.at(-1)
    expect(card).toMatchObject({ pid: process.pid, supervisor: 'host:1:boss', state: 'working' })
    expect(card?.queues).toMatchObject([
      { name: 'sync', slots: 2, active: 1, taken: 3, finished: 1, failed: 1, recent: { finished: 1, failed: 1 } },
      { name: 'media', slots: 2, active: 0, taken: 0, finished: 0, failed: 0 },
    ])
    const redis = new Redis(env.REDIS_URL ?? '')
    const key = `{${options.prefix}}:board:worker:${card?.id}`
    expect(await redis.exists(key)).toBe(1)
    const states = () => cards.map(({ state }) => state)
    worker.pause()
    expect(states().at(-1)).toBe('paused')
    worker.resume()
    expect(states().at(-1)).toBe('working')
    const stopped = worker.stop(30_000)
    expect(states().at(-1)).toBe('draining')
    door.open()
    await stopped
    expect(await redis.exists(key)).toBe(0)
    redis.disconnect()
  })
})
