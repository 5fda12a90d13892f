import { expect, it } from 'vitest'
import { Pace, paceWords } from '../../src/media/pace.js'
import { simulate } from './pace-simulation.js'

const LIMITS = { start: 8, min: 1, max: 64 }

it.each([
  { what: 'a gateway on this machine, loaded by 8 already', slots: 8, ms: 10, reached: [32, 39] },
  { what: 'a gateway that is loaded by 20', slots: 20, ms: 10, reached: [32, 64] },
  { what: 'a bucket far away that takes all', slots: 1000, ms: 150, reached: [64, 64] },
  { what: 'a bucket far away that is loaded by 3', slots: 3, ms: 80, reached: [8, 16] },
])('$what: finds its level within 2 s', ({ slots, ms, reached: [from, to] }) => {
  const pace = new Pace(LIMITS, 0)
  const levels = simulate(pace, { forMs: 8_000, answer: inFlight => ({ ms: ms * Math.max(1, inFlight / slots) }) })
  for (const { at, limit } of levels) {
    if (at < 2_000) continue
    expect(limit).toBeGreaterThanOrEqual(from as number)
    expect(limit).toBeLessThanOrEqual(to as number)
  }
})

it('is at 32 within half a second where nothing is loaded, by doubling', () => {
  const pace = new Pace({ ...LIMITS, max: 32 }, 0)
  const levels = simulate(pace, { forMs: 500, answer: () => ({ ms: 12 }) })
  expect(levels.at(-1)?.limit).toBe(32)
  expect(pace.changes.map(paceWords)).toEqual(['no sign of load: 8 -> 32'])
})

it('does not mind noise, single slow requests and a mix of sizes', () => {
  const pace = new Pace({ ...LIMITS, start: 32, max: 32 }, 0)
  const mix = [4_000, 20_000, 5_000_000, 20_000, 16_777_216]
  let next = 0
  simulate(pace, {
    forMs: 60_000,
    answer: (_inFlight, random) => {
      const bytes = mix[next++ % mix.length] as number
      const ms = (10 + bytes / 20_000) * (0.6 + random()) * (random() < 0.02 ? 20 : 1)
      return { ms, bytes }
    },
  })
  expect(pace.changes).toEqual([])
})

it.each(['throttled', 'failed'] as const)('a single request that is %s halves nothing, and ends the doubling at most', kind => {
  const pace = new Pace(LIMITS, 0)
  let requests = 0
  simulate(pace, { forMs: 3_000, answer: () => ({ ms: 20, kind: ++requests === 30 ? kind : 'ok' }) })
  expect(pace.limit).toBeGreaterThanOrEqual(12)
  expect(pace.changes.every(({ from, to }) => to > from)).toBe(true)
})

it('halves once for a storm of refusals, however many were in flight, and says why', () => {
  const pace = new Pace({ start: 16, min: 2, max: 16 }, 0)
  for (let request = 0; request < 16; request++) pace.note({ kind: 'throttled', ms: 40, bytes: 0 }, 100)
  expect(pace.limit).toBe(8)
  expect(pace.changes.map(paceWords)).toEqual(['503 from the bucket: 16 -> 8'])
  for (let request = 0; request < 8; request++) pace.note({ kind: 'throttled', ms: 40, bytes: 0 }, 200)
  expect(pace.limit).toBe(4)
})

it('goes down to its least while all is refused, and comes back by steps afterwards', () => {
  const pace = new Pace({ start: 32, min: 2, max: 32 }, 0)
  const answer = (_inFlight: number, _random: () => number, at: number) =>
    at < 3_000 ? ({ ms: 15, kind: 'throttled' } as const) : { ms: 15 }
  const levels = simulate(pace, { forMs: 16_000, answer })
  expect(levels.find(({ at }) => at > 2_900)?.limit).toBe(2)
  expect(levels.at(-1)?.limit).toBeGreaterThanOrEqual(12)
  const climbed = pace.changes.at(-1)
  expect(climbed?.why).toBe('all requests go well')
  expect(climbed?.from).toBe(2)
})

it('halves when a tenth of the requests fail', () => {
  const pace = new Pace({ start: 16, min: 1, max: 16 }, 0)
  let requests = 0
  simulate(pace, { forMs: 400, answer: () => ({ ms: 20, kind: requests++ % 5 === 4 ? 'failed' : 'ok' }) })
  expect(pace.limit).toBeLessThan(16)
  expect(paceWords(pace.changes[0] as never)).toMatch(/^3 of 1\d requests failed: 16 -> 8$/)
})

it('halves when requests take much longer than they did unloaded', () => {
  const pace = new Pace({ start: 32, min: 1, max: 32 }, 0)
  const answer = (inFlight: number, _random: () => number, at: number) => ({
    ms: at < 2_000 ? 20 : 20 * Math.max(1, inFlight / 3),
  })
  const levels = simulate(pace, { forMs: 10_000, answer })
  expect(levels.at(-1)?.limit).toBeLessThan(18)
  expect(paceWords(pace.changes[0] as never)).toMatch(/^requests take \d+\.\d times as long as unloaded ones: 32 -> 16$/)
})

it('stays within its limits where it begins outside, and keeps a bounded list of reasons', () => {
  expect(new Pace({ start: 100, min: 1, max: 4 }, 0).limit).toBe(4)
  expect(new Pace({ start: 1, min: 3, max: 4 }, 0).limit).toBe(3)
  const pace = new Pace({ start: 64, min: 1, max: 64 }, 0)
  let storms = 0
  simulate(pace, {
    forMs: 600_000,
    answer: (_inFlight, _random, at) => ({ ms: 20, kind: at % 7_000 < 60 && ++storms > 0 ? 'throttled' : 'ok' }),
  })
  expect(storms).toBeGreaterThan(100)
  expect(pace.changes.length).toBe(40)
})
