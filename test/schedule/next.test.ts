import { describe, expect, it } from 'vitest'
import { isFailure } from '../../src/kernel/errors.js'
import { decide, firstAt, nextAt } from '../../src/schedule/next.js'

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]
const NOON = Date.UTC(2026, 2, 28, 12)
const EVERY = { when: { everyMs: MINUTE } }
const NIGHTLY = { when: { pattern: '30 3 * * *' } }
const at = (iso: string) => Date.parse(`${iso}Z`)

describe('the next time of an entry', () => {
  it.each<[string, string, string]>([
    ['30 3 * * *', '2026-03-28T12:00', '2026-03-29T03:30'],
    ['30 3 * * *', '2026-03-29T03:29:59.999', '2026-03-29T03:30'],
    ['30 3 * * *', '2026-03-29T03:30', '2026-03-30T03:30'],
    ['*/15 * * * *', '2026-12-31T23:50', '2027-01-01T00:00'],
    ['0 0 29 2 *', '2026-03-01T00:00', '2028-02-29T00:00'],
    ['0 9 * * mon-fri', '2026-03-28T12:00', '2026-03-30T09:00'],
    ['0 0 1 * 0', '2026-03-28T12:00', '2026-03-29T00:00'],
  ])('%s after %s is %s, whatever the summer time of the machine', (pattern, after, next) => {
    expect(new Date(nextAt({ when: { pattern } }, at(after))).toISOString()).toBe(new Date(at(next)).toISOString())
  })

  it('is an interval later, and at once for one that begins', () => {
    expect([nextAt(EVERY, NOON), firstAt(EVERY, NOON)]).toEqual([NOON + MINUTE, NOON])
    expect(firstAt(NIGHTLY, NOON)).toBe(at('2026-03-29T03:30'))
  })

  it.each([
    '99 3 * * *',
    '30 3 * *',
    '0 0 31 2 *',
    '0 0 L * *',
    '0 0 * * 1#2',
    '30 3 * * * x',
    'H H * * *',
  ])('%s is refused', pattern => {
    let thrown: unknown = null
    try {
      nextAt({ when: { pattern } }, NOON)
    } catch (error) {
      thrown = error
    }
    expect(isFailure(thrown, 'CONFIG_INVALID')).toBe(true)
  })
})

describe('whether an entry fires', () => {
  it.each<[string, typeof EVERY | typeof NIGHTLY, number, boolean, number, boolean, number]>([
    ['not before its time', EVERY, NOON + 1, false, NOON, false, NOON + 1],
    ['at its time', EVERY, NOON, false, NOON, true, NOON + MINUTE],
    ['once after a sleep of hours', EVERY, NOON, false, NOON + 5 * HOUR, true, NOON + 5 * HOUR + MINUTE],
    ['not while it runs', EVERY, NOON, true, NOON + 10 * MINUTE, false, NOON],
    ['when its last firing has ended late', EVERY, NOON, false, NOON + 10 * MINUTE, true, NOON + 11 * MINUTE],
    ['an interval after the clock was set back', EVERY, NOON + 10, false, NOON - 3 * HOUR, false, NOON - 3 * HOUR + MINUTE],
    [
      'once after the clock was set forward by days',
      NIGHTLY,
      at('2026-03-29T03:30'),
      false,
      NOON + 3 * DAY,
      true,
      at('2026-04-01T03:30'),
    ],
    [
      'at the next time of a clock that was set back',
      NIGHTLY,
      at('2026-03-30T03:30'),
      false,
      NOON,
      false,
      at('2026-03-29T03:30'),
    ],
    [
      'not again when the clock is set back a little',
      NIGHTLY,
      at('2026-03-30T03:30'),
      false,
      at('2026-03-29T03:30:01'),
      false,
      at('2026-03-30T03:30'),
    ],
  ])('%s', (_when, entry, dueAt, running, now, fire, next) => {
    expect(decide(entry, { dueAt, running }, now)).toEqual({ fire, dueAt: next })
  })

  /** Looks once a second for an hour of real time, at a clock that is set once; the answer is how often it fired before and after. */
  const anHour = (entry: typeof EVERY | typeof NIGHTLY, setBy: number, from = NOON) => {
    const fired = { before: 0, after: 0 }
    let dueAt = firstAt(entry, from)
    for (let second = 0; second < 3_600; second++) {
      const now = from + second * 1000 + (second >= 1_800 ? setBy : 0)
      const decision = decide(entry, { dueAt, running: false }, now)
      dueAt = decision.dueAt
      if (decision.fire) fired[second < 1_800 ? 'before' : 'after']++
    }
    return fired
  }

  it.each([
    0,
    5 * HOUR,
    -5 * HOUR,
    400 * DAY,
    -400 * DAY,
    MINUTE / 2,
    -MINUTE / 2,
  ])('each minute also when the clock is set by %i ms', setBy => {
    const { before, after } = anHour(EVERY, setBy)
    expect(before).toBe(30)
    expect(after).toBeGreaterThanOrEqual(29)
    expect(after).toBeLessThanOrEqual(31)
  })

  it('once a night, and once more at most when the clock is set over it', () => {
    const from = at('2026-03-29T03:00')
    expect(anHour(NIGHTLY, 0, from)).toEqual({ before: 0, after: 1 })
    expect(anHour(NIGHTLY, 20 * DAY, from)).toEqual({ before: 0, after: 1 })
    expect(anHour(NIGHTLY, -HOUR / 2, from)).toEqual({ before: 0, after: 0 })
    expect(anHour(NIGHTLY, -HOUR / 2, at('2026-03-29T03:15'))).toEqual({ before: 1, after: 1 })
  })
})
