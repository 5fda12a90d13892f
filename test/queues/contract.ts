import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import type { JobContext, JobHandler, JobPayload, JobRequest, Queue, WorkOptions } from '../../src/queues/index.js'

export interface Consumed {
  readonly queue: Queue
  /** Ends everything that consumes. */
  readonly close: () => Promise<void>
}

export interface Call {
  readonly name: string
  readonly payload: JobPayload
  readonly context: JobContext
}

/** A handler that notes its calls, and runs what the test gives for each. */
export function notingHandler(deed: (call: Call) => Promise<void> | void = () => {}) {
  const calls: Call[] = []
  const handler: JobHandler = async (name, payload, context) => {
    const call = { name, payload, context }
    calls.push(call)
    await deed(call)
  }
  return { calls, handler }
}

/** Ends when its signal says so, with the signal's reason, as the jobs of feedctl do. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

/** A door that jobs wait behind until it is opened. */
export function closedDoor() {
  let open: () => void = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  onTestFinished(() => open())
  return { open, opened }
}

export const job = (id: number | string, dedupeId = `job:${id}`): JobRequest => ({
  queue: 'sync',
  name: 'Note',
  payload: { id },
  dedupeId,
})
export const becomes = (check: () => void) => vi.waitFor(check, { timeout: 50_000, interval: 10 })

/** What every queue promises, with something that consumes it. Each call gives a queue that nothing else uses. */
export function keepsTheQueueContract(open: (handler: JobHandler, options: WorkOptions) => Promise<Consumed>): void {
  describe('keeps the contract of queues:', () => {
    const consume = async (handler: JobHandler, options: Partial<WorkOptions> = {}) => {
      const consumed = await open(handler, { concurrency: 4, tries: 2, timeoutMs: 60_000, ...options })
      onTestFinished(() => consumed.close())
      return consumed.queue
    }

    it('runs a job with its name, its payload and a token of its own', async () => {
      const { calls, handler } = notingHandler()
      const queue = await consume(handler)
      expect(await queue.add([job(1), job('two')])).toEqual({ added: 2, existing: 0, quarantined: [] })
      await becomes(() => expect(calls).toHaveLength(2))
      expect(calls.map(call => [call.name, call.payload])).toEqual([
        ['Note', { id: 1 }],
        ['Note', { id: 'two' }],
      ])
      expect(new Set(calls.map(call => call.context.token)).size).toBe(2)
      expect(calls.map(({ context }) => [context.attempt, context.last, context.signal.aborted])).toEqual([
        [1, false, false],
        [1, false, false],
      ])
    })

    it('takes nothing calmly', async () => {
      const queue = await consume(notingHandler().handler)
      expect(await queue.add([])).toEqual({ added: 0, existing: 0, quarantined: [] })
    })

    it('adds no second job of an id while one waits, and lets one more wait while one runs', async () => {
      const door = closedDoor()
      const { calls, handler } = notingHandler(() => door.opened)
      const queue = await consume(handler, { concurrency: 1 })
      await queue.add([job('runs')])
      await becomes(() => expect(calls).toHaveLength(1))
      await queue.add([job('waits')])
      expect(await queue.add([job('waits'), job('waits'), job('new')])).toEqual({ added: 1, existing: 2, quarantined: [] })
      await queue.add([job('runs')])
      await queue.add([job('runs')])
      door.open()
      await becomes(() => expect(calls).toHaveLength(4))
      await queue.add([job('end')])
      await becomes(() => expect(calls.map(call => call.payload.id)).toContain('end'))
      const ids = calls.map(call => call.payload.id)
      expect(ids.filter(id => id !== 'end').sort()).toEqual(['new', 'runs', 'runs', 'waits'])
    })

    it('begins a job no sooner than its delay is over, keeps nobody else waiting, and counts it as waiting meanwhile', async () => {
      const begun = new Map<unknown, number>()
      const { calls, handler } = notingHandler(({ payload }) => void begun.set(payload.id, performance.now()))
      const queue = await consume(handler, { concurrency: 1 })
      const never = { ...job('never'), delayMs: 3_600_000 }
      const late = { ...job('late'), delayMs: 700 }
      const addedAt = performance.now()
      expect(await queue.add([never, late])).toEqual({ added: 2, existing: 0, quarantined: [] })
      expect(await queue.add([late, never, job('never'), job('soon')])).toEqual({ added: 1, existing: 3, quarantined: [] })
      await becomes(() => expect(calls.map(call => call.payload.id).sort()).toEqual(['late', 'soon']))
      // Timers and the clock of Redis round to milliseconds.
      expect((begun.get('late') ?? 0) - addedAt).toBeGreaterThan(690)
      await becomes(async () => {
        await queue.add([late])
        expect(calls.filter(call => call.payload.id === 'late')).toHaveLength(2)
      })
      expect(await queue.add([never])).toEqual({ added: 0, existing: 1, quarantined: [] })
    })

    it('lets one more wait with a delay while one of its id runs, and loses none', async () => {
      const door = closedDoor()
      const { calls, handler } = notingHandler(() => door.opened)
      const queue = await consume(handler, { concurrency: 1 })
      await queue.add([{ ...job('runs'), delayMs: 10 }])
      await becomes(() => expect(calls).toHaveLength(1))
      for (let time = 0; time < 3; time++) await queue.add([{ ...job('runs'), delayMs: 300 }])
      door.open()
      await becomes(() => expect(calls).toHaveLength(2))
      await queue.add([job('end')])
      await becomes(() => expect(calls.map(call => call.payload.id)).toEqual(['runs', 'runs', 'end']))
    })

    it('puts a job that adds itself again while it runs behind those that wait', async () => {
      const door = closedDoor()
      const { calls, handler } = notingHandler(async ({ payload }) => {
        if (payload.id !== 'giant') return
        await door.opened
        if (calls.filter(call => call.payload.id === 'giant').length < 3) await queue.add([job('giant')])
      })
      const queue = await consume(handler, { concurrency: 1 })
      await queue.add([job('giant')])
      await becomes(() => expect(calls).toHaveLength(1))
      await queue.add([job('a'), job('b'), job('c')])
      door.open()
      await becomes(() => expect(calls).toHaveLength(6))
      expect(calls.map(call => call.payload.id)).toEqual(['giant', 'a', 'b', 'c', 'giant', 'giant'])
    })

    it('tells a job whose deadline is over to stop, and its attempt has failed', async () => {
      const { calls, handler } = notingHandler(({ payload, context }) =>
        payload.id === 'slow' ? untilStopped(context.signal) : undefined,
      )
      const queue = await consume(handler, { concurrency: 1, tries: 2, timeoutMs: 200 })
      await queue.add([job('slow'), job('next')])
      await becomes(() => expect(calls.map(call => call.payload.id).sort()).toEqual(['next', 'slow', 'slow']))
      const slow = calls.filter(call => call.payload.id === 'slow').map(call => call.context)
      await becomes(() => expect(slow.map(({ signal }) => signal.reason?.code)).toEqual(['JOB_TIMEOUT', 'JOB_TIMEOUT']))
      expect(slow.map(({ attempt, last }) => [attempt, last])).toEqual([
        [1, false],
        [2, true],
      ])
    })

    it('runs a job of the same id again once the first has ended, or failed for good', async () => {
      const { calls, handler } = notingHandler(({ payload }) => {
        if (payload.id === 'bad') throw new Failure('TENANT_NOT_FOUND', 'gone')
      })
      const queue = await consume(handler)
      for (let round = 1; round <= 3; round++) {
        await becomes(async () => {
          await queue.add([job('good'), job('bad')])
          expect(calls.filter(call => call.payload.id === 'good').length).toBeGreaterThanOrEqual(round)
          expect(calls.filter(call => call.payload.id === 'bad').length).toBeGreaterThanOrEqual(round)
        })
      }
    })

    it('tries a failing job again, as often as it may, and tells the last attempt', async () => {
      const { calls, handler } = notingHandler(({ payload }) => {
        if (payload.id === 'fails') throw new Failure('UNAVAILABLE', 'away')
      })
      const queue = await consume(handler, { tries: 2 })
      await queue.add([job('fails'), job('works')])
      const failing = () =>
        calls.filter(call => call.payload.id === 'fails').map(({ context }) => [context.attempt, context.last])
      await becomes(() => expect(failing()).toHaveLength(2))
      expect(failing()).toEqual([
        [1, false],
        [2, true],
      ])
      // It has ended: the next one of its id starts from its first attempt.
      await becomes(async () => {
        await queue.add([job('fails')])
        expect(failing().at(2)).toEqual([1, false])
      })
    })

    it('stops trying as soon as an attempt succeeds', async () => {
      const { calls, handler } = notingHandler(({ context }) => {
        if (context.attempt === 1) throw new Error('once')
      })
      const queue = await consume(handler, { tries: 5 })
      await queue.add([job('heals')])
      await becomes(() => expect(calls.map(call => call.context.attempt)).toEqual([1, 2]))
      expect(new Set(calls.map(call => call.context.token)).size).toBe(2)
    })

    it('does not try again what is not worth retrying', async () => {
      const { calls, handler } = notingHandler(({ payload }) => {
        if (payload.id === 'unknown') throw new Failure('UNKNOWN_JOB', 'this feedctl knows no such job')
      })
      const queue = await consume(handler, { tries: 5, concurrency: 1 })
      await queue.add([job('unknown'), job('next')])
      await becomes(() => expect(calls.map(call => call.payload.id)).toContain('next'))
      await becomes(async () => {
        await queue.add([job('unknown', 'another')])
        expect(calls.length).toBeGreaterThanOrEqual(3)
      })
      expect(new Set(calls.map(call => call.context.attempt))).toEqual(new Set([1]))
    })

    it('takes 2,500 at once, counts those it has when they are added again, and runs each once', async () => {
      const door = closedDoor()
      const { calls, handler } = notingHandler(() => door.opened)
      const queue = await consume(handler, { concurrency: 50 })
      await queue.add(Array.from({ length: 50 }, (_, n) => job(`first ${n}`)))
      await becomes(() => expect(calls).toHaveLength(50))
      const many = Array.from({ length: 2_500 }, (_, n) => job(n))
      expect(await queue.add(many)).toEqual({ added: 2_500, existing: 0, quarantined: [] })
      expect(await queue.add(many)).toEqual({ added: 0, existing: 2_500, quarantined: [] })
      expect(await queue.add([job('more'), ...many])).toEqual({ added: 1, existing: 2_500, quarantined: [] })
      door.open()
      await becomes(() => expect(calls).toHaveLength(2_551))
      expect(new Set(calls.map(call => call.payload.id)).size).toBe(2_551)
    })

    it('runs no more at once than it may', async () => {
      const door = closedDoor()
      let [running, most] = [0, 0]
      const { calls, handler } = notingHandler(async () => {
        most = Math.max(most, ++running)
        await door.opened
        await new Promise(setImmediate)
        running--
      })
      const queue = await consume(handler, { concurrency: 3 })
      await queue.add(Array.from({ length: 30 }, (_, n) => job(n)))
      await becomes(() => expect(calls).toHaveLength(3))
      door.open()
      await becomes(() => expect(calls).toHaveLength(30))
      expect(most).toBe(3)
    })

    it('has a consumer', async () => {
      const queue = await consume(notingHandler().handler)
      await vi.waitFor(async () => expect(await queue.consumers('sync')).toBe(1), { timeout: 15_000 })
    })
  })
}
