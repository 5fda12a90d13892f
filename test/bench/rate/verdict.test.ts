import { describe, expect, it } from 'vitest'
import { Latencies } from '../../../src/bench/api/latencies.js'
import { answeredRows } from '../../../src/bench/api/rows.js'
import { answeredAt } from '../../../src/bench/api/users.js'
import type { RepeatResult } from '../../../src/bench/rate/order.js'
import { judgeRate } from '../../../src/bench/rate/verdict.js'

describe('a step is judged', () => {
  const times = (ms: number, count = 100) => {
    const all = new Latencies()
    for (let n = 0; n < count; n++) all.add(ms)
    return all.counts()
  }
  const tally = { answers: 100, byStatus: { 200: 100 }, wrong: 0, hashed: 0, lost: 0, complaints: [] }
  const repeat = (ms: number, changes: Partial<RepeatResult> = {}): RepeatResult => ({
    ...{ tally, latencies: times(ms), answering: times(ms), lateness: times(1), came: 100, waited: 0 },
    ...{ strain: { loopShare: 0.5, cpuShare: 0.5 }, ...changes },
  })
  const busy = { strain: { loopShare: 0.97, cpuShare: 0.6 } }
  const late = { lateness: times(30) }
  const rate = { perS: 100, goalMs: 150, repeatMs: 1_000, connections: 50 }
  const judged = (repeats: readonly RepeatResult[], machineIdle: number | null = 0.5) =>
    judgeRate(rate, { threads: 1, repeats, arrivals: { everyMs: 250, came: [25, 25] }, reopened: 0, machineIdle }).step

  it.each([
    ['the median', [repeat(10), repeat(900), repeat(20)], { pass: true, p99Ms: 20, p99Spread: { min: 10, max: 900 } }],
    [
      'two that are slow',
      [repeat(10), repeat(900), repeat(900)],
      { pass: false, valid: true, why: /^the p99 was 900.0 ms instead of 150$/ },
    ],
    [
      'those whose generator was idle',
      [repeat(10), repeat(900, busy), repeat(20)],
      { pass: true, valid: true, p99Spread: { min: 10, max: 20 } },
    ],
    [
      'nothing, when two were saturated',
      [repeat(10), repeat(10, busy), repeat(10, busy)],
      { pass: false, valid: false, why: /saturated \(97 % busy\)/ },
    ],
    [
      'nothing, when two were late',
      [repeat(10), repeat(10, late), repeat(10, late)],
      { pass: false, valid: false, why: /late: one request in a hundred began 30\.0 ms/ },
    ],
    [
      'nothing, when a thread had all of a core',
      [repeat(10, { strain: { loopShare: 0.2, cpuShare: 0.99 } })],
      { pass: false, valid: false },
    ],
  ] as const)('by %s', (_name, repeats, { why, ...expected }: { why?: RegExp; [key: string]: unknown }) => {
    const step = judged(repeats)
    expect(step).toMatchObject(expected)
    if (why !== undefined) expect(step.why).toMatch(why)
  })

  it.each([
    [100, true],
    [97, true],
    [95, false],
  ])('by what came of 100 that were due in each second: %d', (came, pass) => {
    expect(judged([repeat(10, { came }), repeat(10, { came }), repeat(10, { came })])).toMatchObject({ valid: true, pass })
  })

  it('by the repeats that count alone where the server falls behind', () => {
    const stalled = repeat(10, { came: 40, ...late })
    expect(judged([repeat(10), stalled, repeat(10)])).toMatchObject({ valid: true, pass: true })
  })

  it('as nothing, where requests waited for a connection and were answered in time once they were sent', () => {
    const short = repeat(900, { waited: 30, answering: times(20) })
    expect(judged([short, short, repeat(10)])).toMatchObject({
      valid: false,
      pass: false,
      why: expect.stringMatching(/^all 50 connections/),
    })
    expect(judged([repeat(900, { waited: 30 }), repeat(900, { waited: 30 })])).toMatchObject({ valid: true, pass: false })
  })

  it.each(['EADDRNOTAVAIL', 'EMFILE', 'ENFILE'])('as nothing, where this system had no more: %s', code => {
    const lost = { ...tally, lost: 1, complaints: [`connections lost: connect ${code} 127.0.0.1:80`] }
    expect(judged([repeat(10, { tally: lost })])).toMatchObject({ valid: false, pass: false })
    const reset = { ...tally, lost: 1, complaints: ['connections lost: read ECONNRESET'] }
    expect(judged([repeat(10, { tally: reset })])).toMatchObject({ valid: true, pass: false })
  })

  it('from the repeats to the rows, none of which counts when the step does not', () => {
    const rows = (repeats: readonly RepeatResult[]) => {
      const result = { threads: 1, repeats, arrivals: { everyMs: 250, came: [25] }, reopened: 0, machineIdle: 0.5 }
      return answeredRows('rate', [answeredAt(judgeRate(rate, result))], 150, 'mvp')
    }
    const verdicts = (repeats: readonly RepeatResult[]) => rows(repeats).map(({ pass, valid }) => [pass, valid])
    const [told, promised] = [
      [null, true],
      [true, true],
    ]
    expect(verdicts([repeat(10)])).toEqual([told, told, told, promised, told])
    expect(verdicts([repeat(10, late)])).toEqual([
      [null, false],
      [null, false],
      [null, false],
      [false, false],
      [null, false],
    ])
    expect(verdicts([repeat(10, { came: 60 })])[3]).toEqual([false, true])
  })

  it('with what else was the matter', () => {
    expect(judged([repeat(900, { waited: 3 })], 0.01).why).toBe(
      "the p99 was 900.0 ms instead of 150; requests waited for a connection to be free; all cores of this machine were busy, the generator's too",
    )
    expect(judged([repeat(10)], 0)).toMatchObject({ pass: true, why: null })
  })
})
