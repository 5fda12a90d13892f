import { describe, expect, it, test } from 'vitest'
import { afterStep, beginSearch, type Outcome, SEARCH, type SearchState } from '../../../src/bench/rate/plan.js'

const PLAN = { ...SEARCH, leastPerS: 1, startPerS: 100, mostPerS: 10_000, precision: 0.1 }

/** Lets a server answer, which is told the rate and how often it was asked before. */
function search(answer: (perS: number, turn: number) => Outcome, plan = PLAN) {
  const tried: number[] = []
  let state: SearchState = beginSearch(plan)
  while (state.next !== null) {
    if (tried.length > 60) throw new Error('a search without an end')
    tried.push(state.next)
    state = afterStep(state, answer(state.next, tried.length - 1))
  }
  return { tried, passed: state.passed, missed: state.missed }
}

/** Outcomes in the order of the steps. */
const inTurn = (outcomes: string) => (_: number, turn: number) =>
  ({ p: 'pass', f: 'fail', i: 'invalid' })[outcomes[turn] ?? ''] as Outcome

describe('the search for the highest rate', () => {
  it.each([
    [
      'climbs, tries again what did not pass, and halves what is left',
      'ppffpfff',
      [100, 200, 400, 400, 300, 350, 325, 325],
      300,
      325,
    ],
    ['goes down when the first does not pass', 'fffpfpff', [100, 100, 50, 25, 38, 32, 35, 35], 32, 35],
    ['climbs on after a hiccup', 'pfpfffff', [100, 200, 200, 400, 400, 300, 250, 225, 213, 213], 200, 213],
    ['tries again what was not valid', 'ppffipffff', [100, 200, 400, 400, 300, 300, 350, 325, 325], 300, 325],
    [
      'keeps its bound until what is not valid is not again',
      'ppffiiff',
      [100, 200, 400, 400, 300, 300, 250, 225, 213, 213],
      200,
      213,
    ],
  ])('%s', (_name, outcomes, tried, passed, missed) => {
    const all = search(inTurn(outcomes.padEnd(60, 'f')))
    expect(all.tried).toEqual(tried)
    expect(all).toMatchObject({ passed, missed: { perS: missed } })
  })

  it('ends at the cap when all pass', () => {
    expect(search(() => 'pass')).toEqual({
      tried: [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000],
      ...{ passed: 10_000, missed: null },
    })
  })

  it('finds nothing where nothing passes, and ends at the least', () => {
    const { tried, passed, missed } = search(() => 'fail')
    expect({ last: tried.at(-1), passed, missed }).toEqual({ last: 1, passed: null, missed: { perS: 1, outcome: 'fail' } })
  })

  it('takes a step whose generator was saturated for no pass, and says so', () => {
    const { passed, missed } = search(perS => (perS > 1_000 ? 'invalid' : 'pass'))
    expect(passed).toBeGreaterThan(900)
    expect(passed).toBeLessThanOrEqual(1_000)
    expect(missed).toMatchObject({ outcome: 'invalid' })
    expect(search(() => 'invalid')).toMatchObject({ passed: null, missed: { perS: 1, outcome: 'invalid' } })
  })

  it('tells the kind of the lowest that did not pass, not of the first', () => {
    expect(search(perS => (perS >= 400 ? 'invalid' : perS >= 300 ? 'fail' : 'pass')).missed).toMatchObject({ outcome: 'fail' })
  })

  it.each([3, 77, 100, 101, 4_321, 9_999, 10_000])('comes within its precision of a server that can do %d', most => {
    const { passed, missed, tried } = search(perS => (perS <= most ? 'pass' : 'fail'))
    expect(passed).toBeLessThanOrEqual(most)
    expect(passed as number).toBeGreaterThanOrEqual(Math.min(most / 1.1, most - 1))
    if (missed !== null) expect(missed.perS).toBeGreaterThan(most)
    expect(tried.length).toBeLessThan(20)
  })

  it('ends, with a rate that did pass, whatever a server does', () => {
    for (let seed = 1; seed < 500; seed++) {
      const passes = new Set<number>()
      const misses = new Set<number>()
      const answer = (perS: number, turn: number): Outcome => {
        const luck = Math.imul(seed * 31 + turn, 0x85ebca6b) >>> 28
        if (luck < 8) passes.add(perS)
        else misses.add(perS)
        return luck < 8 ? 'pass' : luck < 12 ? 'fail' : 'invalid'
      }
      const { passed, missed, tried } = search(answer)
      expect(tried.length).toBeLessThan(50)
      expect(passed === null ? passes.size === 0 : passes.has(passed)).toBe(true)
      if (missed === null) expect(passed).toBe(PLAN.mostPerS)
      else expect(misses.has(missed.perS) && missed.perS > (passed ?? 0)).toBe(true)
    }
  })
})

test.each([
  [5, 5],
  [0, 1],
  [1e9, 10_000],
])('a search that is to begin with %d begins with %d', (startPerS, first) => {
  expect(beginSearch({ ...PLAN, startPerS }).next).toBe(first)
})
