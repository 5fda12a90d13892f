import { describe, expect, test } from 'vitest'
import { JobTimes, QueueTimes } from '../../../src/queues/supervisor/job-times.js'
import { cardOf } from './cards.js'

describe('the time of a job', () => {
  test('is unknown before any', () => {
    expect(new JobTimes().meanMs(0, 0)).toBeNull()
  })

  test('is the mean of those that have ended', () => {
    const times = new JobTimes()
    times.add(0, 10, 1_000)
    times.add(1_000, 0, 0)
    expect(times.meanMs(0, 0)).toBeCloseTo(100)
  })

  test('is at least what those have taken that run, while none has ended', () => {
    expect(new JobTimes().meanMs(4, 80_000)).toBe(20_000)
  })

  test('is hardly longer for one long job among thousands', () => {
    const times = new JobTimes()
    times.add(0, 6_000, 60_000)
    expect(times.meanMs(5, 300_000)).toBeCloseTo(60)
  })

  test('follows jobs that have become slower, and is still known after an empty night', () => {
    const times = new JobTimes()
    times.add(0, 1_000, 10_000)
    for (let minute = 1; minute <= 20; minute++) times.add(minute * 60_000, 50, 50_000)
    expect(times.meanMs(0, 0)).toBeGreaterThan(900)
    for (let minute = 21; minute <= 600; minute++) times.add(minute * 60_000, 0, 0)
    expect(times.meanMs(0, 0)).toBeGreaterThan(900)
  })

  test('counts the jobs of a worker once, also when its card was late, and again when it was long gone', () => {
    const times = new QueueTimes()
    const old = [cardOf({ id: 'old' }, { finished: 100_000, busyMs: 100_000 })]
    const steady = [cardOf({ id: 'steady' }, { finished: 10, busyMs: 20_000 })]
    times.look(0, [...old, ...steady])
    times.look(3_600_000, [...old, cardOf({ id: 'steady' }, { finished: 20, busyMs: 40_000 })])
    const before = times.meanMs('sync', [], 0) ?? 0
    expect(before).toBeGreaterThan(1_900)
    for (let missed = 1; missed <= 30; missed++) times.look(3_600_000, [])
    times.look(3_600_000, old)
    expect(times.meanMs('sync', [], 0)).toBeCloseTo(before, 0)
    for (let missed = 1; missed <= 60; missed++) times.look(3_600_000, [])
    times.look(3_600_000, old)
    expect(times.meanMs('sync', [], 0)).toBeLessThan(10)
  })

  test('is read from what workers tell, also when they come and go', () => {
    const times = new QueueTimes()
    times.look(0, [cardOf({ id: 'a' }, { finished: 10, busyMs: 1_000 })])
    times.look(1_000, [
      cardOf({ id: 'a' }, { finished: 10, busyMs: 1_000 }),
      cardOf({ id: 'b' }, { finished: 8, failed: 2, busyMs: 3_000 }),
    ])
    times.look(2_000, [cardOf({ id: 'b' }, { finished: 8, failed: 2, busyMs: 3_000 })])
    expect(times.meanMs('sync', [], 2_000)).toBeCloseTo(200, 0)
    expect(times.meanMs('media', [], 2_000)).toBeNull()
    const running = {
      ...cardOf(),
      jobs: [{ queue: 'media' as const, id: '1', name: 'J', tenantId: null, startedAt: 500 }],
    }
    expect(times.meanMs('media', [running], 2_000)).toBe(1_500)
  })
})
