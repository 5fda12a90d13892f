import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { InlineQueue, type JobBurial, type JobHandler, type WorkOptions } from '../../src/queues/index.js'
import { becomes, closedDoor, job, keepsTheQueueContract, notingHandler, untilStopped } from './contract.js'

interface Own extends Partial<WorkOptions> {
  readonly signal?: AbortSignal
  readonly drainMs?: number
  readonly graceMs?: number
  readonly bury?: JobBurial
  readonly log?: Log
}

const open = (handler: JobHandler, options: Own = {}) =>
  new InlineQueue({
    drainMs: 60_000,
    concurrency: 1,
    tries: 2,
    timeoutMs: 60_000,
    handler,
    bury: async () => {},
    log: new Log(() => {}),
    signal: new AbortController().signal,
    ...options,
  })

describe('the inline queue', () => {
  keepsTheQueueContract(async (handler, options) => {
    const queue = open(handler, options)
    return { queue, close: () => queue.close() }
  })

  it('is settled when all is done, what was added meanwhile included', async () => {
    const done: unknown[] = []
    const queue = open(async (_name, payload) => {
      if (payload.id === 1) await queue.add([job(2)])
      await new Promise(setImmediate)
      done.push(payload.id)
    })
    await queue.settled()
    await queue.add([job(1)])
    await queue.settled()
    expect(done).toEqual([1, 2])
  })

  it('finishes what is under way and starts nothing more once its signal aborts', async () => {
    const door = closedDoor()
    const stop = new AbortController()
    const ended: unknown[] = []
    const { calls, handler } = notingHandler(async ({ payload }) => {
      await door.opened
      ended.push(payload.id)
    })
    const queue = open(handler, { concurrency: 2, signal: stop.signal })
    await queue.add([job(1), job(2), job(3), job(4)])
    await becomes(() => expect(calls).toHaveLength(2))
    stop.abort()
    door.open()
    await queue.settled()
    expect([ended, calls.length, calls[0]?.context.signal.aborted]).toEqual([[1, 2], 2, false])
  })

  it('tells what is under way to hand back when the drain is over', async () => {
    const stop = new AbortController()
    const { calls, handler } = notingHandler(({ context }) => untilStopped(context.signal))
    const queue = open(handler, { drainMs: 20, signal: stop.signal })
    await queue.add([job(1), job(2)])
    await becomes(() => expect(calls).toHaveLength(1))
    stop.abort()
    await queue.settled()
    expect(calls.map(call => call.context.signal.reason)).toMatchObject([{ code: 'INTERRUPTED' }])
  })

  it('hands back on closing what is under way, and never begins what waits', async () => {
    const { calls, handler } = notingHandler(({ context }) => untilStopped(context.signal))
    const queue = open(handler, { concurrency: 1, tries: 5 })
    await queue.add([job(1), job(2), job(3)])
    await becomes(() => expect(calls).toHaveLength(1))
    await queue.close()
    expect(calls.map(call => call.context.signal.reason)).toMatchObject([{ code: 'INTERRUPTED' }])
  })

  it('does not wait, on closing, for the time of a job that is to be tried again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { calls, handler } = notingHandler(() => Promise.reject(new Failure('UNAVAILABLE', 'away')))
    const lines: string[] = []
    const queue = open(handler, { tries: 5, log: new Log(line => lines.push(line)) })
    await queue.add([job(1)])
    await expect.poll(() => lines).toHaveLength(1)
    await queue.close()
    expect(calls).toHaveLength(1)
  })

  it('takes the slot from a job that heeds no deadline, and writes its outcome after the last attempt', async () => {
    const buried: unknown[] = []
    const { calls, handler } = notingHandler(({ payload }) => (payload.id === 'deaf' ? new Promise(() => {}) : undefined))
    const queue = open(handler, {
      concurrency: 1,
      tries: 1,
      timeoutMs: 30,
      graceMs: 30,
      bury: async (name, payload, failure) => void buried.push([name, payload, failure.code]),
    })
    await queue.add([job('deaf'), job('next')])
    await queue.settled()
    expect(calls.map(call => call.payload.id)).toEqual(['deaf', 'next'])
    expect(buried).toEqual([['Note', { id: 'deaf' }, 'JOB_TIMEOUT']])
  })

  it('is settled once a job with a delay has run', async () => {
    const { calls, handler } = notingHandler()
    const queue = open(handler)
    await queue.add([{ ...job(1), delayMs: 20 }])
    await queue.settled()
    expect(calls).toHaveLength(1)
  })

  it('drops a job whose delay is not over when it is told to stop, or closed', async () => {
    const stop = new AbortController()
    const { calls, handler } = notingHandler()
    const [drained, closed] = [open(handler, { signal: stop.signal }), open(handler)]
    await drained.add([{ ...job(1), delayMs: 3_600_000 }])
    await closed.add([{ ...job(2), delayMs: 3_600_000 }])
    stop.abort()
    await drained.settled()
    await closed.close()
    expect(calls).toEqual([])
  })

  it('gives each queue slots of its own', async () => {
    const door = closedDoor()
    const { calls, handler } = notingHandler(() => door.opened)
    const queue = open(handler, { concurrency: 1 })
    await queue.add([job(1), job(2), { ...job(1), queue: 'maintenance' }])
    await becomes(() => expect(calls).toHaveLength(2))
    door.open()
    await queue.settled()
    expect(calls).toHaveLength(3)
  })

  it('tells the log why jobs fail', async () => {
    const lines: string[] = []
    const queue = new InlineQueue({
      drainMs: 60_000,
      concurrency: 1,
      tries: 1,
      timeoutMs: 60_000,
      handler: async () => {
        throw new TypeError('no such thing')
      },
      bury: async () => {},
      log: new Log(
        line => lines.push(line),
        'warn',
        () => 0,
      ),
      signal: new AbortController().signal,
    })
    await queue.add([job(7)])
    await queue.settled()
    expect(lines).toEqual(['1970-01-01T00:00:00.000Z error Note failed job="job:7" attempt=1 why="TypeError: no such thing"'])
  })
})
