import { describe, expect, it, vi } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import { InlineQueue, type JobHandler, type Queue } from '../../src/queues/index.js'
import type { ScheduleEntry } from '../../src/schedule/entries.js'
import { runInline, runOnce } from '../../src/schedule/inline.js'

const LOG = new Log(() => {})
const TIMEOUT = { timeout: 20_000, interval: 5 }
const entry = (id: string, everyMs: number): ScheduleEntry => ({ id, job: 'PrunePosts', when: { everyMs }, doc: '' })

function scene(entries: readonly ScheduleEntry[], handler: JobHandler) {
  const stop = new AbortController()
  const queues: Queue[] = []
  const open = async () => {
    const queue = new InlineQueue({
      concurrency: 4,
      tries: 1,
      timeoutMs: 60_000,
      handler,
      bury: async () => {},
      log: LOG,
      signal: stop.signal,
      drainMs: 20_000,
    })
    queues.push(queue)
    return queue
  }
  const fired: string[] = []
  const failures: [string, number][] = []
  const ended = ({ id }: ScheduleEntry, failed: number) => void failures.push([id, failed])
  const begin = (clock?: () => number) =>
    runInline({
      entries,
      queue: open,
      log: LOG,
      signal: stop.signal,
      fired: ({ id }) => fired.push(id),
      ended,
      ...(clock === undefined ? {} : { clock }),
    })
  return { stop, fired, failures, ended, begin, open, queues }
}

describe('the schedule of a process without a queue', () => {
  it('fires each entry again and again until it is stopped', async () => {
    const done: string[] = []
    const { stop, fired, begin } = scene([entry('often', 10), entry('seldom', 3_600_000)], async name => void done.push(name))
    const over = begin()
    await vi.waitFor(() => expect(fired.filter(id => id === 'often').length).toBeGreaterThanOrEqual(5), TIMEOUT)
    stop.abort(new Error('enough'))
    await over
    expect(fired.filter(id => id === 'seldom')).toHaveLength(1)
    expect(done.length).toBeLessThanOrEqual(fired.length)
    expect(done.length).toBeGreaterThanOrEqual(fired.length - 2)
  })

  it('begins no entry again before all that it began is over, and the others go on', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    let following = 0
    const { stop, fired, begin, queues } = scene([entry('slow', 10), entry('quick', 10)], async (_name, payload) => {
      if ('tenantId' in payload) {
        following++
        return held
      }
      // The first one's queue is that of `slow`: its job begins another, as syncs are begun.
      const [slow] = queues
      if (following === 0) await slow?.add([{ queue: 'sync', name: 'Following', payload: { tenantId: 1 }, dedupeId: 'tenant:1' }])
    })
    const over = begin()
    await vi.waitFor(() => expect(fired.filter(id => id === 'quick').length).toBeGreaterThanOrEqual(10), TIMEOUT)
    expect(fired.filter(id => id === 'slow')).toHaveLength(1)
    release()
    await vi.waitFor(() => expect(fired.filter(id => id === 'slow').length).toBeGreaterThanOrEqual(2), TIMEOUT)
    stop.abort(new Error('enough'))
    await over
  })

  it('goes on after a job that failed, and after the clock was set back by hours', async () => {
    let offset = 0
    const { stop, fired, failures, begin } = scene([entry('failing', 20)], async () => {
      throw new Error('no')
    })
    const over = begin(() => Date.now() + offset)
    await vi.waitFor(() => expect(fired.length).toBeGreaterThanOrEqual(2), TIMEOUT)
    offset = -5 * 3_600_000
    const before = fired.length
    await vi.waitFor(() => expect(fired.length).toBeGreaterThanOrEqual(before + 2), TIMEOUT)
    stop.abort(new Error('enough'))
    await over
    expect(failures.length).toBeGreaterThanOrEqual(before)
    expect(failures.slice(0, before)).toEqual(Array(before).fill(['failing', 1]))
  })

  it('waits at its end for what is under way', async () => {
    let ended = false
    let began = false
    const { stop, begin } = scene([entry('slow', 10)], async () => {
      began = true
      await new Promise(resolve => setTimeout(resolve, 200))
      ended = true
    })
    const over = begin()
    await vi.waitFor(() => expect(began).toBe(true), TIMEOUT)
    stop.abort(new Error('enough'))
    await over
    expect(ended).toBe(true)
  })

  it('done once does every entry once, and ends with all of it', async () => {
    let done = 0
    const { open, ended, failures } = scene([], async () => void done++)
    await runOnce({
      entries: [entry('a', 1), { ...entry('b', 1), when: { pattern: '30 3 * * *' } }],
      queue: open,
      log: LOG,
      ended,
    })
    expect([done, failures.toSorted()]).toEqual([
      2,
      [
        ['a', 0],
        ['b', 0],
      ],
    ])
  })

  it('done once tells of each entry how many jobs failed, those included that its job began, and one that could not be begun', async () => {
    const { open, ended, failures, queues } = scene([], async (_name, { tenantId }) => {
      if (tenantId === 2) throw new Error('no')
      const ids = tenantId === undefined ? [1, 2] : []
      await queues[0]?.add(
        ids.map(id => ({ queue: 'sync', name: 'Following', payload: { tenantId: id }, dedupeId: `tenant:${id}` })),
      )
    })
    await runOnce({ entries: [entry('failing', 1)], queue: open, log: LOG, ended })
    const broken = async () => ({ ...(await open()), add: () => Promise.reject(new Error('no')) }) as unknown as Queue
    await runOnce({ entries: [entry('broken', 1)], queue: broken, log: LOG, ended })
    expect(failures).toEqual([
      ['failing', 1],
      ['broken', 1],
    ])
  })
})
