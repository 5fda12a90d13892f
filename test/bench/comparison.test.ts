import { describe, expect, it, test } from 'vitest'
import { type ComparedRow, compare } from '../../src/bench/results/comparison.js'
import type { StoredBench, StoredRow } from '../../src/bench/results/stored.js'

type Figures = readonly [measured: number | null, min: number, max: number]

const row = (metric: string, [measured, min, max]: Figures, changes: Partial<StoredRow> = {}): StoredRow => ({
  ...{ phase: 'mvp', metric, target: null, measured, min, max, samples: 3, pass: null, valid: true, why: null },
  ...changes,
})

const result = (rows: readonly StoredRow[], changes: Partial<StoredBench> = {}): StoredBench => ({
  scenario: 'api',
  version: '0.1.0',
  at: '2026-11-29T12:00:00.000Z',
  machine: {
    ...{ cpus: 2, cpu_model: 'Xeon', memory_bytes: 25_300_000_000, node: '20.20.2', os: 'Linux 6' },
    drivers: { db: 'mysql', cache: 'redis', queue: 'redis' },
  },
  settings: { tenants: 100, repeat: 3 },
  rows: [...rows],
  model: null,
  ...changes,
})

function compared(before: StoredRow, after: StoredRow, worseBy = 10): ComparedRow | undefined {
  return compare(result([after]), { path: 'b.json', result: result([before]) }, worseBy).rows[0]
}

describe('a figure beside its baseline is', () => {
  test.each<[string, Figures, Figures, string, string | null]>([
    // Less is better of times and bytes, more of rates and ratios.
    ['p99_ms', [20, 19, 21], [30, 29, 31], 'worse', null],
    ['p99_ms', [30, 29, 31], [20, 19, 21], 'better', null],
    ['users_per_s', [1_000, 990, 1_010], [800, 790, 810], 'worse', null],
    ['feeds_per_s_cold', [800, 790, 810], [1_000, 990, 1_010], 'better', null],
    ['cached_ratio', [0.9, 0.89, 0.91], [0.7, 0.69, 0.71], 'worse', null],
    ['statements_saved_percent', [80, 79, 81], [60, 59, 61], 'worse', null],
    ['peak_rss_bytes', [1e8, 0.9e8, 1e8], [2e8, 1.9e8, 2e8], 'worse', null],
    ['uncached_statements', [1, 1, 1], [2, 2, 2], 'worse', null],
    ['http_lost_events', [0, 0, 0], [5, 4, 6], 'worse', null],
    // A part of what another takes.
    ['wait_last_ratio', [1.5, 1.4, 1.6], [3, 2.9, 3.1], 'worse', null],
    ['small_wall_ratio', [0.9, 0.8, 1], [0.5, 0.4, 0.6], 'better', null],
    // Within the percentage, or within the floor of its unit.
    ['p99_ms', [100, 100, 100], [109, 109, 109], 'same', null],
    ['p50_ms', [0.5, 0.4, 0.6], [1.4, 1.3, 1.5], 'same', null],
    ['sync_warm_s', [0.05, 0.05, 0.05], [0.14, 0.14, 0.14], 'same', null],
    ['held_connection_bytes', [1_000, 990, 1_010], [1_500, 1_490, 1_510], 'same', null],
    ['held_connection_bytes', [6_000, 5_990, 6_010], [9_000, 8_990, 9_010], 'worse', null],
    // More than both, but not more than what it varies by.
    ['p99_ms', [20, 10, 40], [30, 25, 60], 'unclear', 'its spreads overlap: 10 to 40 before, 25 to 60 now'],
    ['p99_ms', [20, 15, 25], [30, 25, 35], 'unclear', 'its spreads overlap: 15 to 25 before, 25 to 35 now'],
    // A half is as much as twice.
    ['users_per_s', [1_000, 1_000, 1_000], [910, 910, 910], 'same', null],
    ['users_per_s', [1_000, 1_000, 1_000], [905, 905, 905], 'worse', null],
    ['http_lost_events', [0, 0, 0], [1, 1, 1], 'worse', null],
    ['statements_saved_percent', [5, 4, 6], [-5, -6, -4], 'worse', null],
    // Nothing says what is better.
    ['bare_core_share', [0.5, 0.5, 0.5], [0.9, 0.9, 0.9], 'not comparable', 'neither more nor less of it is better'],
    ['requests_cold', [6, 6, 6], [9, 9, 9], 'not comparable', 'neither more nor less of it is better'],
    ['p99_ms', [20, 19, 21], [null, 0, 0], 'no longer valid', 'not measured now'],
    ['requests_cold', [20, 19, 21], [null, 0, 0], 'not comparable', 'not measured now'],
    ['p99_ms', [null, 0, 0], [20, 19, 21], 'not comparable', 'not measured in the baseline'],
  ])('%s of %j, now %j: %s', (metric, before, after, verdict, why) => {
    expect(compared(row(metric, before), row(metric, after))).toMatchObject({ metric, phase: 'mvp', verdict, why })
  })

  it('worse by what its target says, whatever its name says', () => {
    const most = { target: 2, pass: true }
    expect(compared(row('odd_ratio', [1, 1, 1], most), row('odd_ratio', [2, 2, 2], most))).toMatchObject({ verdict: 'worse' })
    const least = { target: 2, at_least: true as const, pass: true }
    expect(compared(row('held_open', [9, 9, 9], least), row('held_open', [5, 5, 5], least))).toMatchObject({ verdict: 'worse' })
  })

  it('the same by a percentage that was chosen', () => {
    const [before, after] = [row('p99_ms', [100, 100, 100]), row('p99_ms', [140, 140, 140])]
    expect(compared(before, after, 50)).toMatchObject({ verdict: 'same', ratio: 1.4 })
    expect(compared(before, after, 39)).toMatchObject({ verdict: 'worse', ratio: 1.4 })
    expect(compared(after, before, 39)).toMatchObject({ verdict: 'better' })
  })

  test.each<[string, Partial<StoredRow>, Partial<StoredRow>]>([
    ['measured once now, and it takes 3 looks to know a spread', {}, { samples: 1 }],
    ['measured twice in the baseline, and it takes 3 looks to know a spread', { samples: 2 }, {}],
    ['how often it was measured is not told in the baseline', { samples: undefined }, {}],
    ['not valid in the baseline: lost', { valid: false, why: 'lost' }, {}],
  ])('not comparable when it was %s', (why, before, after) => {
    const [was, is] = [row('p99_ms', [1, 1, 1], before), row('p99_ms', [900, 900, 900], after)]
    expect(compared(was, is)).toMatchObject({ verdict: 'not comparable', why, before: 1, after: 900 })
  })

  test.each<[string, Partial<StoredRow>, Partial<StoredRow>]>([
    ['not valid now: the generator was saturated', {}, { valid: false, why: 'the generator was saturated' }],
    ['not valid now: lost', { samples: 1 }, { valid: false, why: 'lost' }],
  ])('no longer valid when it was %s', (why, before, after) => {
    const [was, is] = [row('p99_ms', [1, 1, 1], before), row('p99_ms', [1, 1, 1], after)]
    expect(compared(was, is)).toMatchObject({ verdict: 'no longer valid', why })
    expect(compared({ ...was, metric: 'requests_cold' }, { ...is, metric: 'requests_cold' })).toMatchObject({
      verdict: 'not comparable',
    })
  })

  it.each([
    [100, {}, {}, true],
    [null, {}, {}, false],
    [100, { samples: 1 }, { samples: 1 }, true],
    [100, { valid: false, why: 'lost' }, {}, false],
  ] as const)('promised when its baseline was valid, and promised %j: %j, now %j', (target, before, after, promised) => {
    const both = { target, samples: 3 }
    expect(
      compared(row('p99_ms', [1, 1, 1], { ...both, ...before }), row('p99_ms', [1, 1, 1], { ...both, ...after })),
    ).toMatchObject({ promised })
  })

  it('not comparable, or no longer valid, where the other result has none of its phase', () => {
    const one = [row('p99_ms', [1, 1, 1]), row('gone_ms', [1, 1, 1])]
    const now = [row('p99_ms', [1, 1, 1], { phase: 'scale' })]
    expect(compare(result(now), { path: 'b.json', result: result(one) }, 10).rows).toMatchObject([
      { metric: 'p99_ms', phase: 'scale', before: null, verdict: 'not comparable', why: 'the baseline has no such figure' },
      { metric: 'p99_ms', phase: 'mvp', after: null, verdict: 'no longer valid', why: 'it was not measured now' },
      { metric: 'gone_ms', phase: 'mvp', after: null, verdict: 'no longer valid' },
    ])
  })
})

describe('nothing is comparable', () => {
  const machine = result([]).machine
  test.each<[Partial<StoredBench>, string]>([
    [
      { machine: { ...machine, cpus: 8 } },
      'measured on another machine: 8 x Xeon with 25.3 GB before, 2 x Xeon with 25.3 GB now',
    ],
    [
      { machine: { ...machine, memory_bytes: 8e9 } },
      'measured on another machine: 2 x Xeon with 8.0 GB before, 2 x Xeon with 25.3 GB now',
    ],
    [
      { machine: { ...machine, drivers: { db: 'sqlite', cache: 'memory', queue: 'sync' } } },
      'on other drivers: sqlite, cache memory, queue sync before, mysql, cache redis, queue redis now',
    ],
    [{ settings: { tenants: 5, repeat: 3 } }, 'tenants was 5, and is 100'],
    // Only one has it, and it is on.
    [{ settings: { tenants: 100, repeat: 3, processes: 2 } }, 'processes was 2, and is none'],
    [{ settings: { tenants: 100, urls: ['http://127.0.0.1/'] } }, 'urls was ["http://127.0.0.1/"], and is none'],
  ])('of a result of %j', (changes, words) => {
    const figures = [row('p99_ms', [1, 1, 1])]
    const { obstacles, rows } = compare(result(figures), { path: 'b.json', result: result(figures, changes) }, 10)
    expect(obstacles).toEqual([words])
    expect(rows).toMatchObject([{ verdict: 'not comparable', why: words }])
  })
})

it.each<[Partial<StoredBench>, string[]]>([
  [{ settings: { tenants: 100, repeat: 9, phase: 'mvp' } }, []],
  [{ settings: { tenants: 100, nginx: false, url: null } }, []],
  [{ settings: { tenants: 100, answer_bytes: 3, answers: [{ status: 200 }] } }, []],
  [{ version: '0.0.9' }, ['feedctl was 0.0.9, and is 0.1.0']],
  [{ version: undefined, at: undefined }, []],
  [{ machine: { ...result([]).machine, memory_bytes: 25_000_000_000, node: '22.0.0' } }, ['Node was 22.0.0, and is 20.20.2']],
])('figures stay comparable with a result of %j, and what differs is told: %j', (changes, notes) => {
  const figures = [row('p99_ms', [1, 1, 1])]
  const comparison = compare(result(figures), { path: 'b.json', result: result(figures, changes) }, 10)
  expect(comparison).toMatchObject({ path: 'b.json', worseBy: 10, obstacles: [], notes, rows: [{ verdict: 'same' }] })
})
