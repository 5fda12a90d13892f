import { describe, expect, it, test } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import type { WorkerDeath } from '../../src/queues/index.js'
import { limitsOf, reachedLimit } from '../../src/queues/limits.js'
import { RecentJobs } from '../../src/queues/recent-jobs.js'
import { deathsIn, type Fate, StallWatch, stallLine, TOLD_TO_STOP } from '../../src/queues/stalls.js'
import { Tally } from '../../src/queues/tally.js'
import { isSuspect, Turnstile } from '../../src/queues/turnstile.js'

describe('the limits of a worker', () => {
  const none = { maxJobs: null, maxTimeMs: null, memoryBytes: null }
  const figures = { jobs: 10, ageMs: 1_000, rssBytes: 500 }

  test.each([
    [none, null],
    [{ ...none, maxJobs: 11 }, null],
    [{ ...none, maxJobs: 10 }, 'max-jobs'],
    [{ ...none, maxTimeMs: 1_001 }, null],
    [{ ...none, maxTimeMs: 1_000 }, 'max-time'],
    [{ ...none, memoryBytes: 500 }, null],
    [{ ...none, memoryBytes: 499 }, 'memory'],
    [{ maxJobs: 1, maxTimeMs: 1, memoryBytes: 1 }, 'max-jobs'],
  ])('%j is reached as %s', (limits, reached) => {
    expect(reachedLimit(figures, limits)).toBe(reached)
  })

  test('its time is up to a tenth shorter, the others are as they were said', () => {
    const said = { maxJobs: 5, maxTimeMs: 1_000, memoryBytes: 7 }
    expect([0, 0.5, 1].map(random => limitsOf(said, random))).toEqual([
      said,
      { ...said, maxTimeMs: 950 },
      { ...said, maxTimeMs: 900 },
    ])
    expect(limitsOf(none, 0.7)).toEqual(none)
  })
})

describe('the jobs of the last minutes', () => {
  let now = 1_000_000
  const noted = (count: number, recent: RecentJobs, outcome: 'finished' | 'failed' = 'finished') => {
    for (let n = 0; n < count; n++) recent.note(outcome)
  }

  it('are a rate over the time since the beginning, then over a minute', () => {
    const recent = new RecentJobs(() => now)
    expect(recent.perS()).toBe(0)
    now += 10_000
    noted(20, recent)
    expect(recent.perS()).toBe(2)
    now += 45_000
    noted(35, recent, 'failed')
    expect(recent.perS()).toBe(1)
    // 70 s after the beginning the first twenty are more than a minute old.
    now += 15_000
    expect(recent.perS()).toBeCloseTo(35 / 55, 1)
    expect(recent.counts()).toEqual({ finished: 20, failed: 35 })
    now += 240_000
    expect(recent.counts()).toEqual({ finished: 0, failed: 35 })
    now += 60_000
    expect([recent.perS(), recent.counts()]).toEqual([0, { finished: 0, failed: 0 }])
  })

  it('stay sane when the clock is set back or far forward', () => {
    const recent = new RecentJobs(() => now)
    noted(10, recent)
    now -= 7_200_000
    expect(recent.counts()).toEqual({ finished: 0, failed: 0 })
    noted(3, recent)
    expect([recent.counts().finished, Number.isFinite(recent.perS())]).toEqual([3, true])
    now += 90_000_000
    expect(recent.counts().finished).toBe(0)
  })
})

test('a tally counts what was taken, what came of it and how long it took, each queue for itself', () => {
  let now = 5_000
  const tally = new Tally(['sync', 'media'], 4, () => now)
  const card = { queue: 'sync' as const, id: 'a', name: 'Note', tenantId: 7 }
  const [a, b, c] = [tally.took(card), tally.took({ ...card, id: 'b' }), tally.took({ ...card, id: 'c', queue: 'media' })]
  tally.tookCanary('media')
  now += 1_000
  a.begins()
  b.begins()
  now += 250
  a.ends('finished')
  b.ends('again')
  expect(tally.jobs()).toEqual([{ ...card, id: 'c', queue: 'media', startedAt: 5_000 }])
  expect(tally.queues()).toMatchObject([
    { name: 'sync', slots: 4, active: 0, taken: 2, finished: 1, failed: 0, busyMs: 500, recent: { finished: 1, failed: 0 } },
    { name: 'media', slots: 4, active: 1, taken: 2, finished: 0, failed: 0, busyMs: 0 },
  ])
  c.ends('failed')
  expect([tally.finished, tally.failed, tally.queues()[1]?.active]).toEqual([1, 1, 0])
})

describe('the turnstile', () => {
  const open = new AbortController().signal
  const settle = () => new Promise(setImmediate)

  it('lets one that is alone wait for the others, and the others for it, in the order they came', async () => {
    const turnstile = new Turnstile()
    const inside: string[] = []
    const enter = async (name: string, alone: boolean) => {
      const leave = await turnstile.enter(alone, open)
      inside.push(name)
      return leave
    }
    const [a, b] = await Promise.all([enter('a', false), enter('b', false)])
    const [alone, c, second] = [enter('alone', true), enter('c', false), enter('second', true)]
    await settle()
    expect(inside).toEqual(['a', 'b'])
    a()
    await settle()
    expect(inside).toEqual(['a', 'b'])
    b()
    ;(await alone)()
    ;(await c)()
    ;(await second)()
    expect(inside).toEqual(['a', 'b', 'alone', 'c', 'second'])
  })

  it('sends away who waits when its signal aborts, and lets those behind in', async () => {
    const turnstile = new Turnstile()
    const leave = await turnstile.enter(false, open)
    const stop = new AbortController()
    const away = turnstile.enter(true, stop.signal)
    const behind = turnstile.enter(false, open)
    stop.abort(new Error('drained'))
    await expect(away).rejects.toThrow('drained')
    leave()
    ;(await behind)()
    await expect(turnstile.enter(false, stop.signal)).rejects.toThrow('drained')
    ;(await turnstile.enter(true, open))()
  })

  it('sends all away whose signal aborts: none that stood behind another slips in', async () => {
    const turnstile = new Turnstile()
    const leave = await turnstile.enter(false, open)
    const stop = new AbortController()
    const waiting = [true, false, false].map(alone => turnstile.enter(alone, stop.signal))
    stop.abort(new Error('drained'))
    const ends = await Promise.allSettled(waiting)
    expect(ends.map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
    leave()
    ;(await turnstile.enter(true, open))()
  })
})

test.each([
  [0, 5, false],
  [1, 5, false],
  [2, 5, true],
  [4, 5, true],
  [0, 2, false],
  [1, 3, false],
  // One more would condemn it.
  [1, 2, true],
  [1, 1, true],
])('after %i deaths, %i being too many, a job is run alone: %s', (deaths, most, alone) => {
  expect(isSuspect(deaths, most)).toBe(alone)
})

describe('the history of a job that lost its workers', () => {
  const died: Fate = { kind: 'died', how: 'killed by SIGKILL' }
  const line = (fate: Fate, begun = true) => stallLine(0, 'host+4026:12:tokentoken', fate, begun)

  test('names the worker, when, and what became of it', () => {
    expect(line(died)).toBe('1970-01-01T00:00:00.000Z its worker (pid 12 on host) died: killed by SIGKILL')
    expect(line({ kind: 'gone' })).toContain('is gone, and nobody saw how')
    expect(stallLine(0, null, { kind: 'gone' }, true)).toContain('its worker is gone')
  })

  test.each([
    [0, [], 0],
    [2, [line(died), line({ kind: 'gone' })], 2],
    [2, [line(died), line({ kind: 'lives' })], 1],
    [2, [line({ kind: 'told' }), line(died)], 1],
    [2, [line(died, false), line(died)], 1],
    [1, [line({ kind: 'lives' }, false)], 0],
    // A line that nobody could write acquits nobody.
    [3, [line(died)], 3],
    [1, [line({ kind: 'lives' }), line({ kind: 'lives' })], 0],
  ])('of %i stalls with %j, %i workers died', (stalls, history, deaths) => {
    expect(deathsIn(stalls, history)).toBe(deaths)
  })
})

describe('the look for jobs without a worker', () => {
  const WORKER = 'host:12:tokentoken'
  const seen = { worker: WORKER, at: 1, how: 'killed by SIGKILL', rssBytes: null }

  /** The line that a job gets whose worker is found so: on the board now, and when it is asked again. */
  const lineWith = async (found: {
    silences?: (number | null)[]
    death?: WorkerDeath
    alone?: string
    taker?: string | null
  }) => {
    const silences = [...(found.silences ?? [])]
    const { taker = WORKER } = found
    const slept: number[] = []
    const line = await new Promise<string>(resolve => {
      const released = [['job'], []]
      const watch = new StallWatch({
        queues: [
          {
            name: 'sync',
            suspects: async () => new Map(taker === null ? [] : [['job', taker]]),
            release: async () => released.shift() ?? [],
            note: async (_job, words) => {
              watch.stop()
              resolve(words)
            },
          },
        ],
        everyMs: 5,
        silenceOf: async () => silences.shift() ?? null,
        deathOf: async () => found.death ?? null,
        aloneIn: async () => found.alone ?? null,
        sleep: async ms => void slept.push(ms),
        log: new Log(() => {}),
      })
    })
    return { line, slept, deaths: deathsIn(1, [line]) }
  }

  test('finds the worker dead, as its supervisor saw it', async () => {
    const { line, slept, deaths } = await lineWith({ death: seen, silences: [1_000] })
    expect([line.endsWith('died: killed by SIGKILL'), slept, deaths]).toEqual([true, [], 1])
  })

  test('finds that it was told to stop, and suspects nobody of that', async () => {
    const { line, slept, deaths } = await lineWith({ death: { ...seen, how: TOLD_TO_STOP } })
    expect([line.endsWith('was told to stop, and could not give it back'), slept, deaths]).toEqual([true, [], 0])
  })

  test('finds it alive, at once or when it comes back on the board', async () => {
    expect(await lineWith({ silences: [1_500] })).toMatchObject({ slept: [], deaths: 0 })
    expect(await lineWith({ silences: [null, 500] })).toMatchObject({ slept: [3_000], deaths: 0 })
    expect(await lineWith({ silences: [9_000, 900] })).toMatchObject({ slept: [3_000], deaths: 0 })
  })

  test('finds it gone: its card is still there, but nobody renews it', async () => {
    const { line, deaths } = await lineWith({ silences: [9_000, 12_000] })
    expect([line.endsWith('is gone, and nobody saw how'), deaths]).toEqual([true, 1])
    expect((await lineWith({ taker: null })).deaths).toBe(1)
  })

  test('releases nothing whose worker it could not read first', async () => {
    const deeds: string[] = []
    const turns = [null, null, new Map()]
    await new Promise<void>(resolve => {
      const watch = new StallWatch({
        queues: [
          {
            name: 'sync',
            suspects: async () => {
              deeds.push('look')
              return turns.shift() ?? null
            },
            release: async () => {
              deeds.push('release')
              watch.stop()
              resolve()
              return []
            },
            note: async () => {},
          },
        ],
        everyMs: 1,
        silenceOf: async () => null,
        deathOf: async () => null,
        aloneIn: async () => null,
        sleep: async () => {},
        log: new Log(() => {}),
      })
    })
    expect(deeds).toEqual(['look', 'look', 'look', 'release'])
  })

  test('acquits a job that only waited while the worker ran another alone', async () => {
    expect((await lineWith({ death: seen, alone: 'other' })).deaths).toBe(0)
    expect((await lineWith({ alone: 'other' })).deaths).toBe(0)
    expect((await lineWith({ death: seen, alone: 'job' })).deaths).toBe(1)
  })
})
