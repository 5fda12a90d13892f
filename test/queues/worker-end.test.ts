import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { RedisBoard, type WorkerCard } from '../../src/queues/index.js'
import { deleteRedisKeys, sharedRedisEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'
import { becomes, closedDoor, job, notingHandler, untilStopped } from './contract.js'
import { freshOptions, keptLog, openQueue, startWorker } from './redis-workers.js'

const env = sharedRedisEnv()
afterAll(() => deleteRedisKeys(env))
const fresh = (log = keptLog().log) => freshOptions(env.REDIS_URL ?? '', env.FEEDCTL_REDIS_PREFIX ?? '', log)

describe('a worker that has reached a limit', () => {
  it('lets a job end that is under way, takes no other, and hands nothing back', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const door = closedDoor()
    const { calls, handler } = notingHandler(({ payload }) => (payload.id === 'long' ? door.opened : undefined))
    const worker = startWorker(options, { handler, concurrency: 2, maxJobs: 1 })
    await queue.add([job('long')])
    await becomes(() => expect(calls).toHaveLength(1))
    await queue.add([job('quick')])
    expect(await worker.ended).toBe('max-jobs')
    await queue.add([job('late')])
    const finished = worker.finish()
    await pause(300)
    expect(calls.map(({ context }) => context.signal.aborted)).toEqual([false, false])
    door.open()
    expect(await finished).toEqual({ finished: 2, failed: 0, handedBack: 0, interrupted: [] })
    expect(calls).toHaveLength(2)
  })

  it('has a job fail that is not done at its deadline, deaf ones too', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const buried: unknown[] = []
    const { calls, handler } = notingHandler(({ payload, context }) =>
      payload.id === 'deaf' ? new Promise(() => {}) : untilStopped(context.signal),
    )
    const worker = startWorker(options, {
      handler,
      tries: 1,
      timeoutMs: 800,
      pace: { graceMs: 100 },
      bury: async (_name, { id }, { code }) => void buried.push([id, code]),
    })
    await queue.add([job('deaf'), job('slow')])
    await becomes(() => expect(calls).toHaveLength(2))
    expect(await worker.finish()).toEqual({ finished: 0, failed: 2, handedBack: 0, interrupted: [] })
    expect(buried).toEqual([['deaf', 'JOB_TIMEOUT']])
  })

  it('is cut short when it is told to stop meanwhile', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const { calls, handler } = notingHandler(({ context }) => untilStopped(context.signal))
    const worker = startWorker(options, { handler })
    await queue.add([job(1)])
    await becomes(() => expect(calls).toHaveLength(1))
    const finished = worker.finish()
    expect(await worker.stop(0)).toMatchObject({ finished: 0, failed: 0, handedBack: 1 })
    expect(await finished).toMatchObject({ handedBack: 1 })
  })
})

describe('a job that is handed back', () => {
  it('is run at once, as if for the first time, though the clock of its worker was hours ahead', async () => {
    const options = fresh()
    const queue = openQueue(options)
    const first = notingHandler(({ context }) => untilStopped(context.signal))
    await queue.add([job(1), job(2), job(3)])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 })
    onTestFinished(() => void vi.useRealTimers())
    const worker = startWorker(options, { handler: first.handler, concurrency: 1 })
    await vi.waitFor(() => expect(first.calls).toHaveLength(1), { timeout: 15_000 })
    await worker.stop(0)
    vi.useRealTimers()
    const second = notingHandler()
    startWorker(options, { handler: second.handler, concurrency: 1 })
    await becomes(() => expect(second.calls).toHaveLength(3))
    expect(new Set(second.calls.map(({ payload, context }) => [payload.id, context.attempt].join()))).toEqual(
      new Set(['1,1', '2,1', '3,1']),
    )
  })
})

it('a worker that was told to stop, and could not hand back for want of Redis, says so, and its jobs are not suspected', async () => {
  await using redis = await startRedis()
  const { log, lines } = keptLog()
  const options = freshOptions(redis.url, 'told', log)
  const board = new RedisBoard(options.connect('producer'), options.prefix)
  onTestFinished(() => board.close())
  const first = notingHandler(({ context }) => untilStopped(context.signal))
  const cards: WorkerCard[] = []
  const pace = { lockMs: 3_000, stallCheckMs: 300 }
  const worker = startWorker(options, { handler: first.handler, pace, tell: card => cards.push(card) })
  await openQueue(options).add([job(1)])
  await becomes(() => expect(first.calls).toHaveLength(1))
  const stopped = worker.stop(60_000)
  await becomes(async () => expect((await board.deathOf(cards[0]?.id ?? ''))?.how).toBe('told to stop'))
  await redis.kill()
  void worker.stop(0)
  const end = await stopped
  expect(end).toMatchObject({ finished: 0, failed: 0, handedBack: 0, interrupted: [{ queue: 'sync', name: 'Note' }] })
  await redis.start()
  const second = notingHandler()
  const buried: unknown[] = []
  startWorker(options, { handler: second.handler, pace, quarantineAfter: 1, bury: async () => void buried.push('buried') })
  await becomes(() => expect([second.calls.length, buried]).toEqual([1, []]))
  expect(second.calls[0]?.context.attempt).toBe(1)
  expect(lines.join('\n')).toMatch(/a job without a worker is given to another .*could not give it back/)
})

it('a full Redis takes back what is handed back', async () => {
  await using server = await startRedis()
  const options = freshOptions(server.url, 'full')
  const { calls, handler } = notingHandler(({ context }) => untilStopped(context.signal))
  const worker = startWorker(options, { handler })
  await openQueue(options).add([job(1)])
  await becomes(() => expect(calls).toHaveLength(1))
  const redis = options.connect('producer')
  await redis.config('SET', 'maxmemory', 1)
  expect(await worker.stop(0)).toMatchObject({ handedBack: 1, interrupted: [{ name: 'Note' }] })
  expect(await redis.llen(`{${options.prefix}}:sync:wait`)).toBe(1)
  redis.disconnect()
})

describe('a job whose worker died once', () => {
  /** Its history is that of a job found without its worker so often. */
  const deadOf = async (deaths: number) => {
    const options = fresh()
    const redis = options.connect('producer')
    onTestFinished(() => redis.disconnect())
    const key = (part: string) => `{${options.prefix}}:sync:${part}`
    await openQueue(options).add([job('suspect')])
    const [id = ''] = await redis.lrange(key('wait'), 0, -1)
    await redis.hset(key(id), 'stc', deaths)
    await redis.rpush(key(`${id}:logs`), ...Array.from({ length: deaths }, () => 'its worker died: killed by SIGKILL'))
    return options
  }

  it('runs beside others, and alone only after the second death', async () => {
    for (const deaths of [1, 2]) {
      const options = await deadOf(deaths)
      const doors = { suspect: closedDoor(), other: closedDoor() }
      const { calls, handler } = notingHandler(({ payload }) => doors[payload.id as 'suspect' | 'other'].opened)
      startWorker(options, { handler, concurrency: 1, queues: ['sync', 'media'], quarantineAfter: 5 })
      const ids = () => calls.map(call => call.payload.id)
      await becomes(() => expect(ids()).toEqual(['suspect']))
      await openQueue(options).add([{ ...job('other'), queue: 'media' }])
      if (deaths === 1) await becomes(() => expect(ids()).toEqual(['suspect', 'other']))
      const redis = options.connect('producer')
      await becomes(async () => expect(await redis.llen(`{${options.prefix}}:media:active`)).toBe(1))
      redis.disconnect()
      await pause(200)
      expect(ids()).toHaveLength(deaths === 1 ? 2 : 1)
      doors.suspect.open()
      await becomes(() => expect(ids()).toEqual(['suspect', 'other']))
      doors.other.open()
    }
  })
})
