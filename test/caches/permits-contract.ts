import { beforeEach, describe, expect, it } from 'vitest'
import type { Permits } from '../../src/caches/index.js'

export interface OpenPermits {
  readonly permits: Permits
  /** Moves the clock that the permits go by. */
  advance(ms: number): void
}

let keys = 0

/** What all permits promise. Each test has keys of its own: the permits may be shared with the tests before it. */
export function keepThePermitContract(open: () => OpenPermits): void {
  describe('keep the contract of permits:', () => {
    let permits: Permits
    let advance: (ms: number) => void
    let key: string
    beforeEach(() => {
      const opened = open()
      permits = opened.permits
      advance = ms => opened.advance(ms)
      key = `api:${keys++} {odd} %\n`
    })
    const terms = { wanted: 1, perSecond: 10, burst: 10 }

    it('give the burst at once, then as many as come anew, and say when', async () => {
      expect(await permits.take(key, { ...terms, wanted: 7 })).toEqual({ granted: 7, retryInMs: 0 })
      expect(await permits.take(key, { ...terms, wanted: 7 })).toEqual({ granted: 3, retryInMs: 100 })
      expect(await permits.take(key, terms)).toEqual({ granted: 0, retryInMs: 100 })
      advance(50)
      expect(await permits.take(key, terms)).toEqual({ granted: 0, retryInMs: 50 })
      advance(50)
      expect(await permits.take(key, terms)).toEqual({ granted: 1, retryInMs: 100 })
      advance(350)
      expect((await permits.take(key, { ...terms, wanted: 9 })).granted).toBe(3)
    })

    it('save up no more than the burst', async () => {
      await permits.take(key, { ...terms, wanted: 10 })
      advance(3_600_000)
      expect((await permits.take(key, { ...terms, wanted: 1_000 })).granted).toBe(10)
    })

    it('keep the fractions that refused and granted ones leave', async () => {
      await permits.take(key, { ...terms, wanted: 10 })
      let granted = 0
      for (let look = 0; look < 31; look++) {
        advance(30)
        granted += (await permits.take(key, { ...terms, wanted: 2 })).granted
      }
      expect(granted).toBe(9)
    })

    it("leave the neighbour's alone", async () => {
      await permits.take(key, { ...terms, wanted: 10 })
      expect((await permits.take(`${key}-2`, { ...terms, wanted: 10 })).granted).toBe(10)
    })

    it('give no more than there are when all ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => permits.take(key, { ...terms, wanted: 3 })))
      expect(answers.reduce((sum, { granted }) => sum + granted, 0)).toBe(10)
    })

    it('hold each to its own terms', async () => {
      await permits.take(key, { ...terms, wanted: 10 })
      advance(1_000)
      expect((await permits.take(key, { wanted: 100, perSecond: 10, burst: 4 })).granted).toBe(4)
    })

    it('give nothing for a clock that is set back', async () => {
      await permits.take(key, { ...terms, wanted: 10 })
      advance(-3_600_000)
      expect((await permits.take(key, terms)).granted).toBe(0)
      advance(100)
      expect((await permits.take(key, terms)).granted).toBe(1)
    })
  })
}
