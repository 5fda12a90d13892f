import { describe, expect, test } from 'vitest'
import type { QueueName } from '../../../src/queues/index.js'
import type { Limits } from '../../../src/queues/supervisor/ceiling.js'
import type { QueueLoad } from '../../../src/queues/supervisor/load.js'
import { type Plan, plan } from '../../../src/queues/supervisor/plan.js'
import { freshMemory } from '../../../src/queues/supervisor/plan-memory.js'

const LIMITS: Limits = {
  min: 1,
  max: 16,
  targetWaitMs: 30_000,
  memory: { all: 64 * 1024 ** 3, perWorker: 1024 ** 2 },
  connections: null,
}

function loadOf(name: QueueName, load: Partial<QueueLoad> = {}): QueueLoad {
  return { name, waiting: 0, active: 0, meanJobMs: 1_000, slots: 5, elsewhere: 0, oldestWaitMs: 0, paused: false, ...load }
}

/** Looks once a second at loads that do not change, with all the workers up that are wanted; answers every plan. */
function look(
  seconds: number,
  loads: readonly QueueLoad[],
  limits: Partial<Limits> = {},
  before?: Plan,
  start = 1_000_000,
  beside = 0,
): Plan[] {
  const plans: Plan[] = before === undefined ? [] : [before]
  for (let second = 0; second < seconds; second++) {
    const last = plans.at(-1)
    const there = { generalists: limits.min ?? LIMITS.min, specialists: last?.specialists ?? {}, beside }
    const now = (last?.memory.lookedAt ?? start - 1_000) + 1_000
    plans.push(plan({ now, queues: loads, there, limits: { ...LIMITS, ...limits }, memory: last?.memory ?? freshMemory(now) }))
  }
  return plans.slice(before === undefined ? 0 : 1)
}

const totals = (plans: readonly Plan[], min = 1) =>
  plans.map(each => Object.values(each.specialists).reduce((sum, count) => sum + count, min))
const changesOf = (plans: readonly Plan[]) => plans.flatMap(each => each.changes)
const last = (plans: readonly Plan[]): Plan => plans.at(-1) as Plan

const BACKLOG = loadOf('sync', { waiting: 1_200, active: 5, meanJobMs: 400 })

describe('the plan grows', () => {
  test('when a queue has been over its target for some seconds, and says why', () => {
    const plans = look(7, [BACKLOG])
    expect(totals(plans)).toEqual([1, 1, 1, 1, 1, 2, 2])
    expect(changesOf(plans)).toEqual([{ from: 1, to: 2, why: 'sync: 1,200 wait, 96 s to clear, target 30 s' }])
  })

  test('at most to the double of what there is at a time, to what the target needs', () => {
    expect(changesOf(look(60, [BACKLOG])).map(({ from, to }) => [from, to])).toEqual([
      [1, 2],
      [2, 4],
    ])
    expect(changesOf(look(60, [{ ...BACKLOG, waiting: 100_000 }])).map(({ to }) => to)).toEqual([2, 4, 8, 16])
  })

  test('only as far as workers on their way out leave room under the ceiling', () => {
    const grown = (beside: number, limits: Partial<Limits> = {}) =>
      totals(look(60, [{ ...BACKLOG, waiting: 100_000 }], { max: 8, ...limits }, undefined, 0, beside)).at(-1)
    expect([0, 3, 7, 9].map(beside => grown(beside))).toEqual([8, 5, 1, 1])
    expect(grown(3, { connections: { all: 50, perWorker: 8 } })).toBe(3)
  })

  test('not for a queue that is over its target only now and then', () => {
    let plans = look(3, [BACKLOG])
    for (let round = 0; round < 5; round++) {
      plans = look(1, [loadOf('sync')], {}, last(plans))
      plans = look(4, [BACKLOG], {}, last(plans))
      expect(changesOf(plans)).toEqual([])
    }
  })

  test.each<[name: string, load: Partial<QueueLoad>, workers: number]>([
    ['not for what is cleared in time', { waiting: 140, active: 5 }, 1],
    ['for what is not', { waiting: 151, active: 5 }, 2],
    ['with a default for the time of jobs that nobody has seen', { waiting: 301, active: 5, meanJobMs: null }, 3],
    ['not beyond what there are jobs for', { waiting: 2, active: 5, meanJobMs: 600_000 }, 2],
    ['not for a paused queue', { waiting: 100_000, oldestWaitMs: 900_000, paused: true }, 1],
    ['not where workers elsewhere clear it', { waiting: 290, active: 10, elsewhere: 5 }, 1],
    ['by what those elsewhere leave', { waiting: 590, active: 10, elsewhere: 5 }, 3],
    [
      'for jobs that wait behind long ones, whatever the mean says',
      { waiting: 2, active: 5, meanJobMs: 10, oldestWaitMs: 31_000 },
      2,
    ],
    ['not for old jobs while slots are free', { waiting: 2, active: 4, meanJobMs: 10, oldestWaitMs: 31_000 }, 1],
  ])('%s', (_name, load, workers) => {
    expect(totals(look(60, [loadOf('sync', load)])).at(-1)).toBe(workers)
  })

  test('not for stuck jobs while the workers it wanted are still starting', () => {
    const stuck = loadOf('sync', { waiting: 50, active: 5, meanJobMs: 10, oldestWaitMs: 31_000 })
    const [grown] = look(6, [stuck]).slice(-1)
    let memory = (grown as Plan).memory
    for (let second = 1; second <= 30; second++) {
      const next = plan({
        now: memory.lookedAt + 1_000,
        queues: [stuck],
        there: { generalists: 1, specialists: {}, beside: 0 },
        limits: LIMITS,
        memory,
      })
      expect(next.specialists).toEqual({ sync: 1 })
      memory = next.memory
    }
  })

  test('for each needy queue before a second time for one', () => {
    const plans = look(6, [{ ...BACKLOG, waiting: 1_000_000 }, loadOf('media', { waiting: 500, active: 5 })], { min: 2 })
    expect(last(plans).specialists).toEqual({ sync: 1, media: 1 })
    expect(changesOf(plans).map(({ from, to }) => [from, to])).toEqual([
      [2, 3],
      [3, 4],
    ])
  })

  test('up to the ceiling of a budget, whose words it has', () => {
    const plans = look(60, [{ ...BACKLOG, waiting: 100_000 }], { connections: { all: 24, perWorker: 8 } })
    expect(totals(plans).at(-1)).toBe(3)
    expect(last(plans).ceiling).toEqual({ workers: 3, cut: expect.stringContaining('database connections for 3') })
  })
})

describe('the plan shrinks', () => {
  const grown = last(look(20, [BACKLOG]))

  test('one at a time, when the load of a minute would have fitted into fewer, three minutes after it grew at the earliest', () => {
    expect(totals([grown])).toEqual([4])
    const plans = look(600, [loadOf('sync', { active: 1 })], {}, grown)
    const grewAt = grown.memory.grewAt ?? 0
    const shrinks = plans.filter(each => each.changes.length > 0)
    expect(shrinks.map(each => (each.memory.shrankAt ?? 0) - grewAt)).toEqual([180_000, 241_000, 302_000])
    expect(changesOf(plans)[0]).toEqual({ from: 4, to: 3, why: 'sync: 1 of 20 slots busy for a minute, 15 are enough' })
    expect(totals(plans).at(-1)).toBe(1)
  })

  test('not while the slots of one fewer would be nearly full', () => {
    expect(changesOf(look(900, [loadOf('sync', { active: 12 })], {}, grown))).toEqual([])
  })

  test('not for a short calm, nor across looks that are far apart', () => {
    let at = grown
    for (let minute = 0; minute < 10; minute++) {
      const calm = look(50, [loadOf('sync')], {}, at)
      const busy = look(10, [loadOf('sync', { active: 20, waiting: 310 })], {}, last(calm))
      expect(changesOf([...calm, ...busy])).toEqual([])
      at = last(busy)
    }
    const asleep = { ...at, memory: { ...at.memory, lookedAt: at.memory.lookedAt - 3_600_000, grewAt: 0 } }
    expect(changesOf(look(50, [loadOf('sync')], {}, asleep))).toEqual([])
  })

  test('a queue that is paused, whatever waits in it', () => {
    const plans = look(600, [{ ...BACKLOG, active: 0, paused: true }], {}, grown)
    expect(totals(plans).at(-1)).toBe(1)
    expect(changesOf(plans)[0]?.why).toBe('sync: paused')
  })

  test('when a budget has fallen for a minute, and says so', () => {
    const plans = look(61, [BACKLOG], { connections: { all: 16, perWorker: 8 } }, grown)
    expect(changesOf(plans)).toEqual([{ from: 4, to: 3, why: expect.stringContaining('database connections for 2') }])
  })

  test('and grows again within a minute only for a burst', () => {
    const shrunk = last(look(220, [loadOf('sync')], {}, grown))
    expect(totals([shrunk])).toEqual([3])
    const since = shrunk.memory.lookedAt - (shrunk.memory.shrankAt ?? 0)
    const more = look(100, [{ ...BACKLOG, waiting: 1_400 }], {}, shrunk)
    const grewAfter = more.findIndex(each => each.changes.length > 0) + 1
    expect(since + grewAfter * 1_000).toBe(60_000)
    const burst = look(6, [{ ...BACKLOG, waiting: 20_000 }], {}, shrunk)
    expect(totals(burst).at(-1)).toBe(6)
  })

  test('with more patience when the last shrink had to be undone, and with the usual one when it had not', () => {
    const shrunk = last(look(220, [loadOf('sync')], {}, grown))
    const undone = last(look(60, [{ ...BACKLOG, waiting: 1_400 }], {}, shrunk))
    expect(undone.memory.patienceMs).toBe(2 * grown.memory.patienceMs)
    const calm = look(2_000, [loadOf('sync')], {}, undone)
    const first = calm.find(each => each.changes.length > 0)
    expect((first?.memory.shrankAt ?? 0) - (undone.memory.grewAt ?? 0)).toBe(360_000)
    const later = last(look(60, [{ ...BACKLOG, waiting: 1_400 }], {}, last(calm)))
    expect(later.memory.patienceMs).toBe(grown.memory.patienceMs)
  })
})

describe('where the ceiling allows no more, the plan', () => {
  const full = { min: 2, max: 6 }
  const giant = { ...BACKLOG, waiting: 1_000_000 }
  const settled = last(look(60, [giant, loadOf('media'), loadOf('analytics')], full))

  test('takes one for a queue that has none, and says from whom', () => {
    expect(settled.specialists).toEqual({ sync: 4, media: 0, analytics: 0 })
    const plans = look(60, [giant, loadOf('media', { waiting: 500, active: 10 }), loadOf('analytics')], full, settled)
    expect(last(plans).specialists).toEqual({ sync: 3, media: 1, analytics: 0 })
    expect(changesOf(plans)).toEqual([
      { from: 6, to: 6, why: 'media: 500 wait, 50 s to clear, target 30 s; sync gives one, for no more than 6 are allowed' },
    ])
  })

  test('takes none while one is still on its way out', () => {
    const loads = [giant, loadOf('media', { waiting: 500, active: 10 }), loadOf('analytics')]
    expect(changesOf(look(60, loads, full, settled, 0, 1))).toEqual([])
  })

  test('leaves like loads alone', () => {
    const both = [
      { ...BACKLOG, waiting: 10_000 },
      { ...BACKLOG, name: 'media' as const, waiting: 10_000 },
    ]
    const start = last(look(60, both, full))
    expect(start.specialists).toEqual({ sync: 2, media: 2 })
    for (let round = 0; round < 20; round++) {
      const [a = BACKLOG, b = BACKLOG] = both
      const noisy = round % 2 === 0 ? [a, { ...b, waiting: 9_000 }] : [{ ...a, waiting: 9_000 }, b]
      expect(changesOf(look(60, noisy, full, start))).toEqual([])
    }
  })

  test('takes the idle ones first', () => {
    const busyMedia = last(look(60, [giant, loadOf('media', { waiting: 500, active: 10 })], full))
    expect(busyMedia.specialists.media).toBeGreaterThan(0)
    const plans = look(60, [giant, loadOf('media')], full, busyMedia)
    expect(last(plans).specialists).toEqual({ sync: 4, media: 0 })
  })
})
