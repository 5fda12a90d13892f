import { describe, expect, test } from 'vitest'
import type { SessionDriver, Trial, TrialTerms } from '../../src/api/sessions/driver.js'
import type { Clock } from '../../src/kernel/clock.js'

const HOUR_MS = 3_600_000
const TERMS: TrialTerms = { free: 3, firstWaitMs: 60_000, longestWaitMs: 200_000, forgetMs: HOUR_MS }
const OTHERS: Trial = { key: 'others', terms: { ...TERMS, free: 100 } }

/** What every driver promises. `open` gives an empty one that goes by the clock. */
export function keepsTheSessionContract(open: (clock: Clock) => SessionDriver): void {
  const at = () => {
    const clock = { now: Date.UTC(2026, 2, 1) }
    return { clock, driver: open(() => clock.now) }
  }

  describe('sessions', () => {
    test('are found by what they were begun with, and by nothing else', async () => {
      const { clock, driver } = at()
      await driver.begin('ops', 'one', 'password', HOUR_MS)
      expect(await driver.find('ops', 'one')).toEqual({ beganAt: clock.now, endsAt: clock.now + HOUR_MS, password: 'password' })
      expect([await driver.find('ops', 'two'), await driver.find('ops', ''), await driver.find('ops', 'epoch')]).toEqual([
        null,
        null,
        null,
      ])
    })

    test('end at their time, whatever was done in them', async () => {
      const { clock, driver } = at()
      await driver.begin('ops', 'one', 'p', HOUR_MS)
      clock.now += HOUR_MS - 1
      expect(await driver.find('ops', 'one')).not.toBeNull()
      clock.now += 1
      expect(await driver.find('ops', 'one')).toBeNull()
    })

    test('end alone, and calmly when they are not there', async () => {
      const { driver } = at()
      await driver.begin('ops', 'one', 'p', HOUR_MS)
      await driver.begin('ops', 'two', 'p', HOUR_MS)
      await driver.end('ops', 'one')
      await driver.end('ops', 'one')
      expect([await driver.find('ops', 'one'), await driver.find('ops', 'two')]).toMatchObject([null, { password: 'p' }])
    })

    test('end all at once, and one that begins afterwards does not bring the others back', async () => {
      const { driver } = at()
      await driver.endAll('ops')
      for (const id of ['one', 'two']) await driver.begin('ops', id, 'p', HOUR_MS)
      await driver.endAll('ops')
      await driver.begin('ops', 'three', 'p', HOUR_MS)
      expect(await Promise.all(['one', 'two', 'three'].map(id => driver.find('ops', id)))).toMatchObject([
        null,
        null,
        { password: 'p' },
      ])
    })
  })

  describe('trials', () => {
    test('wait after too many failures, twice as long each time, up to the longest', async () => {
      const { clock, driver } = at()
      const trial = { key: 'a', terms: TERMS }
      for (let times = 0; times < TERMS.free; times++) expect(await driver.try([trial])).toBe(0)
      for (const waitMs of [60_000, 120_000, 200_000, 200_000]) {
        expect(await driver.try([trial])).toBe(waitMs)
        clock.now += waitMs - 1
        expect(await driver.try([trial])).toBe(1)
        clock.now += 1
        expect(await driver.try([trial])).toBe(0)
      }
      expect(await driver.try([{ key: 'b', terms: TERMS }])).toBe(0)
    })

    test('that come at the same time are not more than the free ones', async () => {
      const { driver } = at()
      const waits = await Promise.all(Array.from({ length: 30 }, () => driver.try([{ key: 'a', terms: TERMS }, OTHERS])))
      expect(waits.filter(wait => wait === 0)).toHaveLength(TERMS.free)
      expect(Math.max(...waits)).toBe(60_000)
    })

    test('are counted for all of their keys, or for none', async () => {
      const { driver } = at()
      const [near, far] = [
        (key: string): Trial => ({ key, terms: { ...TERMS, free: 2 } }),
        { key: 'far', terms: { ...TERMS, free: 4 } },
      ]
      for (const key of ['a', 'a', 'a', 'a', 'b']) await driver.try([near(key), far])
      expect(await driver.try([near('c'), far])).toBe(0)
      expect(await driver.try([near('d'), far])).toBe(60_000)
      expect(await driver.try([near('d')])).toBe(0)
    })

    test('that succeed are forgiven, one or all of a key', async () => {
      const { driver } = at()
      const trial = { key: 'a', terms: TERMS }
      await driver.forgive('a', 'one')
      for (let times = 0; times < TERMS.free; times++) await driver.try([trial])
      await driver.forgive('a', 'one')
      expect([await driver.try([trial]), await driver.try([trial])]).toEqual([0, 60_000])
      await driver.forgive('a', 'all')
      await driver.forgive('a', 'all')
      for (let times = 0; times < TERMS.free; times++) expect(await driver.try([trial])).toBe(0)
    })

    test('are forgotten when nobody tries for long', async () => {
      const { clock, driver } = at()
      const trial = { key: 'a', terms: TERMS }
      for (let times = 0; times < TERMS.free; times++) await driver.try([trial])
      clock.now += TERMS.forgetMs
      for (let times = 0; times < TERMS.free; times++) expect(await driver.try([trial])).toBe(0)
      expect(await driver.try([trial])).toBe(60_000)
    })
  })
}
