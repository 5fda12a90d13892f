import { describe, expect, test } from 'vitest'
import type { Limits } from '../../../src/queues/supervisor/ceiling.js'
import { burst, type DayEnd, inOrder, poisson, SimulatedDay, seeded, turns } from './simulation.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const GIGABYTE = 1024 ** 3
const LIMITS: Limits = {
  min: 1,
  max: 12,
  targetWaitMs: 30_000,
  memory: { all: 64 * GIGABYTE, perWorker: GIGABYTE / 8 },
  connections: null,
}
const SLOTS = 5

const worst = (waits: readonly number[]) => waits.reduce((most, wait) => Math.max(most, wait), 0)

/** What holds on every day: all is done, it starts and ends at min, no growth follows a shrink within a minute but for a burst, no shrink a growth within three. */
function expectCalm(end: DayEnd, min: number, mostTurns: number): void {
  expect(end.undone).toBe(0)
  expect(end.workers[0]).toBe(min)
  expect(end.workers.at(-1)).toBe(min)
  expect(turns(end.changes)).toBeLessThanOrEqual(mostTurns)
  for (const [index, change] of end.changes.entries()) {
    const before = end.changes[index - 1]
    if (before !== undefined && before.to > before.from && change.to < change.from) {
      expect(change.at - before.at).toBeGreaterThanOrEqual(3 * MINUTE)
    }
  }
}

describe('a day', () => {
  test('of bursts: each is taken in within a bound, and shrunk from once', () => {
    const random = seeded(1)
    const bursts = [1, 2, 3, 4].map(hour => burst(hour * HOUR, 2_000 + Math.round(random() * 4_000), 300))
    const end = new SimulatedDay({ sync: inOrder(...bursts) }, LIMITS, SLOTS).run(6 * HOUR)
    expectCalm(end, 1, 7)
    expect(worst(end.waits.sync)).toBeLessThan(60_000)
    expect(Math.max(...end.workers)).toBeGreaterThan(3)
  })

  test('of a steady load: it settles, and moves no more', () => {
    const end = new SimulatedDay({ sync: poisson(seeded(2), 0, 5 * HOUR, 10, 1_500) }, LIMITS, SLOTS).run(6 * HOUR)
    expectCalm(end, 1, 4)
    expect(worst(end.waits.sync)).toBeLessThan(60_000)
    const settled = end.changes.filter(change => change.at > HOUR && change.at < 5 * HOUR)
    expect(settled).toEqual([])
  })

  test('that slowly rises and falls: it follows, in one direction and then in the other', () => {
    const random = seeded(3)
    const hours = [2, 6, 12, 18, 12, 6, 2].map((perS, hour) => poisson(random, hour * HOUR, (hour + 1) * HOUR, perS, 1_500))
    const end = new SimulatedDay({ sync: inOrder(...hours) }, LIMITS, SLOTS).run(8 * HOUR)
    expectCalm(end, 1, 6)
    expect(worst(end.waits.sync)).toBeLessThan(75_000)
    expect(Math.max(...end.workers)).toBeLessThanOrEqual(9)
  })

  test('of a periodic load, whose period is that of the patience: it learns to wait', () => {
    const minutes = Array.from({ length: 60 }, (_, index) => burst(index * 4 * MINUTE, 900, 500))
    const end = new SimulatedDay({ sync: inOrder(...minutes) }, LIMITS, SLOTS).run(5 * HOUR)
    expectCalm(end, 1, 20)
    expect(worst(end.waits.sync)).toBeLessThan(75_000)
  })

  test('of jobs of minutes: short jobs of the same queue are not stuck behind them', () => {
    const random = seeded(4)
    const long = poisson(random, 10 * MINUTE, 3 * HOUR, 1 / 30, 6 * MINUTE)
    const end = new SimulatedDay({ sync: inOrder(poisson(random, 0, 4 * HOUR, 2, 200), long) }, LIMITS, SLOTS).run(5 * HOUR)
    expectCalm(end, 1, 12)
    expect(worst(end.waits.sync)).toBeLessThan(150_000)
  })

  test('of all four queues at once: none starves, and the total stays within max', () => {
    const random = seeded(5)
    const arrivals = {
      sync: inOrder(poisson(random, 0, 3 * HOUR, 8, 1_000), burst(HOUR, 10_000, 400)),
      media: inOrder(poisson(random, 0, 3 * HOUR, 1, 3_000), burst(HOUR, 500, 5_000)),
      analytics: inOrder(poisson(random, 0, 3 * HOUR, 20, 50), burst(HOUR, 5_000, 50)),
      maintenance: inOrder(poisson(random, 0, 3 * HOUR, 0.1, 10_000), burst(HOUR, 100, 20_000)),
    }
    const end = new SimulatedDay(arrivals, LIMITS, SLOTS).run(5 * HOUR)
    expectCalm(end, 1, 10)
    expect(Math.max(...end.workers)).toBeLessThanOrEqual(12)
    for (const waits of Object.values(end.waits)) expect(worst(waits)).toBeLessThan(4 * MINUTE)
  })

  test('of one giant tenant: the other queues are served all the same', () => {
    const random = seeded(6)
    const arrivals = {
      sync: burst(10 * MINUTE, 60_000, 2_000),
      media: poisson(random, 0, HOUR, 0.5, 4_000),
      maintenance: poisson(random, 0, HOUR, 0.05, 5_000),
    }
    const end = new SimulatedDay(arrivals, { ...LIMITS, max: 6 }, SLOTS).run(3 * HOUR)
    expectCalm(end, 1, 4)
    expect(worst(end.waits.media)).toBeLessThan(30_000)
    expect(worst(end.waits.maintenance)).toBeLessThan(30_000)
  })

  test('under a budget that binds: no more workers than it allows, and what is there is shared', () => {
    const arrivals = {
      sync: burst(10 * MINUTE, 20_000, 1_000),
      media: burst(15 * MINUTE, 1_500, 2_000),
      analytics: burst(15 * MINUTE, 30_000, 100),
    }
    const limits = { ...LIMITS, min: 2, connections: { all: 50, perWorker: 8 } }
    const end = new SimulatedDay(arrivals, limits, SLOTS).run(4 * HOUR)
    expectCalm(end, 2, 4)
    expect(Math.max(...end.workers)).toBe(6)
    expect(end.changes.some(({ from, to, why }) => from === to && why.includes('gives one'))).toBe(true)
    // With the two generalists alone media would take five minutes, analytics as long.
    expect(worst(end.waits.media)).toBeLessThan(4.5 * MINUTE)
    expect(worst(end.waits.analytics)).toBeLessThan(4.5 * MINUTE)
  })

  test('of long jobs that leaving workers still have when the next burst comes: no more processes than max', () => {
    const random = seeded(7)
    const bursts = Array.from({ length: 12 }, (_, index) => burst((10 + index * 12) * MINUTE, 4_000, 300))
    const arrivals = { sync: inOrder(poisson(random, 0, 2.5 * HOUR, 1 / 20, 14 * MINUTE), ...bursts) }
    const end = new SimulatedDay(arrivals, { ...LIMITS, max: 6 }, 20).run(4 * HOUR)
    expect(end.undone).toBe(0)
    expect(end.processes.some((count, second) => count > (end.workers[second] ?? 0))).toBe(true)
    expect(Math.max(...end.processes)).toBe(6)
  })

  test('of workers that grow for ten minutes: young ones do not make room for more of them', () => {
    const grown = GIGABYTE / 4
    const bytesAt = (ageMs: number) => grown * Math.min(1, 0.4 + (0.6 * ageMs) / (10 * MINUTE))
    const limits = { ...LIMITS, memory: { all: 6 * grown, perWorker: 0 } }
    const bursts = [1, 2, 3, 4].map(hour => burst(hour * HOUR, 20_000, 300))
    const end = new SimulatedDay({ sync: inOrder(...bursts) }, limits, SLOTS, bytesAt).run(6 * HOUR)
    expectCalm(end, 1, 7)
    expect(Math.max(...end.workers)).toBe(6)
  })

  test('without any job: nothing changes', () => {
    const end = new SimulatedDay({}, { ...LIMITS, min: 3 }, SLOTS).run(HOUR)
    expectCalm(end, 3, 0)
    expect(end.changes).toEqual([])
  })
})
