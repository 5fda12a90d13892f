import { beforeEach, describe, expect, it } from 'vitest'
import type { Gates, GateTerms } from '../../src/caches/index.js'

export interface OpenGates {
  readonly gates: Gates
  /** Moves the clock that the gates go by. */
  advance(ms: number): void
}

const WIDE = { places: 100, perSecond: 100_000, burst: 100_000, leaseMs: 60_000 }
let tokens = 0
const terms = (changes: Partial<GateTerms> = {}): GateTerms => ({ ...WIDE, token: `token-${tokens++}`, ...changes })

/** What all gates promise. Each test has keys of its own: the gates may be shared with the tests before it. */
export function keepTheGateContract(open: () => OpenGates): void {
  describe('keep the contract of gates:', () => {
    let gates: Gates
    let advance: (ms: number) => void
    let key: string
    beforeEach(() => {
      const opened = open()
      gates = opened.gates
      advance = ms => opened.advance(ms)
      key = `host-${tokens++}.example:8080`
    })
    const enters = async (changes: Partial<GateTerms> = {}, at = key) => (await gates.enter(at, terms(changes))).entered

    it('let in as many as there are places, and the neighbour too', async () => {
      const entered = []
      for (let n = 0; n < 4; n++) entered.push(await enters({ places: 3 }))
      expect(entered).toEqual([true, true, true, false])
      expect(await enters({ places: 3 }, `${key}-2`)).toBe(true)
    })

    it('let in exactly as many as there are places when all come at once', async () => {
      const entered = await Promise.all(Array.from({ length: 50 }, () => enters({ places: 7 })))
      expect(entered.filter(Boolean)).toHaveLength(7)
    })

    it('give a place that was left to the next, and leave twice calmly', async () => {
      const first = terms({ places: 1 })
      expect((await gates.enter(key, first)).entered).toBe(true)
      expect(await enters({ places: 1 })).toBe(false)
      await gates.leave(key, first.token)
      await gates.leave(key, first.token)
      await gates.leave('never entered', first.token)
      expect(await enters({ places: 1 })).toBe(true)
      expect(await enters({ places: 1 })).toBe(false)
    })

    it('let in who is in already, once, whatever the pace', async () => {
      const again = terms({ places: 2, perSecond: 1, burst: 1 })
      expect((await gates.enter(key, again)).entered).toBe(true)
      expect((await gates.enter(key, again)).entered).toBe(true)
      expect(await enters({ places: 2, perSecond: 1, burst: 2 })).toBe(true)
      expect(await enters({ places: 2, perSecond: 1, burst: 3 })).toBe(false)
    })

    it('give the place of a holder that was killed away when its lease ends, and not before', async () => {
      expect(await enters({ places: 1, leaseMs: 5_000 })).toBe(true)
      const refused = await gates.enter(key, terms({ places: 1 }))
      expect(refused).toMatchObject({ entered: false, full: true, retryInMs: 5_000 })
      advance(4_999)
      expect(await enters({ places: 1 })).toBe(false)
      advance(1)
      expect(await enters({ places: 1 })).toBe(true)
    })

    it('let in a burst, then at an even pace, and say when', async () => {
      const pace = { perSecond: 10, burst: 3 }
      const entered = []
      for (let n = 0; n < 4; n++) entered.push(await enters(pace))
      expect(entered).toEqual([true, true, true, false])
      expect(await gates.enter(key, terms(pace))).toMatchObject({ entered: false, full: false, retryInMs: 100 })
      advance(99)
      expect(await enters(pace)).toBe(false)
      advance(1)
      expect([await enters(pace), await enters(pace)]).toEqual([true, false])
    })

    it('let in no more than the pace and one burst over a long time', async () => {
      let entered = 0
      for (let ms = 0; ms < 3_000; ms += 20) {
        if (await enters({ perSecond: 8, burst: 4 })) entered++
        advance(20)
      }
      expect(entered).toBe(3 * 8 + 4 - 1)
    })

    it('know paces below one in a second', async () => {
      const pace = { perSecond: 0.25, burst: 1 }
      expect(await enters(pace)).toBe(true)
      expect(await gates.enter(key, terms(pace))).toMatchObject({ entered: false, retryInMs: 4_000 })
      advance(4_000)
      expect(await enters(pace)).toBe(true)
    })

    it('take nothing from who is refused', async () => {
      const inside = terms({ places: 1, perSecond: 10, burst: 1 })
      expect((await gates.enter(key, inside)).entered).toBe(true)
      for (let n = 0; n < 20; n++) expect(await enters({ places: 1, perSecond: 10, burst: 1 })).toBe(false)
      await gates.leave(key, inside.token)
      advance(100)
      for (let n = 0; n < 20; n++) expect(await enters({ places: 1, perSecond: 10, burst: 1 })).toBe(n === 0)
    })

    it('show the newest note to everyone who asks, refused or not, and to no neighbour', async () => {
      expect(await gates.enter(key, terms())).toEqual({ entered: true, note: null })
      await gates.note(key, 'before', 60)
      await gates.note(key, 'quiet, "please" ü', 60)
      expect(await gates.enter(key, terms({ places: 2 }))).toEqual({ entered: true, note: 'quiet, "please" ü' })
      expect(await gates.enter(key, terms({ places: 2 }))).toMatchObject({ entered: false, note: 'quiet, "please" ü' })
      expect(await gates.enter(`${key}0`, terms())).toEqual({ entered: true, note: null })
    })

    it('take odd keys', async () => {
      const odd = ['{a}b', '}{', '{}', '[::1]:80', 'ü.example', '%7B', 'x'.repeat(300)].map(text => `${text}${key}`)
      for (const name of odd) expect(await enters({ places: 1 }, name), name).toBe(true)
      for (const name of odd) expect(await enters({ places: 1 }, name), name).toBe(false)
    })
  })
}
