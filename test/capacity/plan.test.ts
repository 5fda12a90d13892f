import { describe, expect, it } from 'vitest'
import { throughputOf } from '../../src/bench/model/law.js'
import { costsOf, sumOfParts } from '../../src/capacity/costs.js'
import { givenGrowth, measuredGrowth, weeksBefore, weeksOfHistory, weeksUntilFull } from '../../src/capacity/growth.js'
import { limitsOf, type MeasuredFigure } from '../../src/capacity/limits.js'
import { planOf } from '../../src/capacity/plan.js'
import { processesFor, type StoredModel } from '../../src/capacity/processes.js'

const NOW = Date.UTC(2026, 10, 30)
const WEEK_MS = 604_800_000
const GUIDE = limitsOf([])
const load = (tenants: number, users: number | null = null, rate: number | null = null) => ({
  tenants,
  concurrent_users: users,
  requests_per_s: rate,
})

describe('the phase', () => {
  it.each([
    [load(0), 'mvp', 'tenants', 0, 'growth'],
    [load(100), 'mvp', 'tenants', 100, 'growth'],
    [load(101), 'growth', 'tenants', 20, 'scale'],
    [load(305), 'growth', 'tenants', 61, 'scale'],
    [load(10, 50, 100), 'mvp', 'concurrent_users', 100, 'growth'],
    [load(10, 51, 1), 'growth', 'concurrent_users', 26, 'scale'],
    [load(10, 1, 501), 'scale', 'requests_per_s', 25, 'enterprise'],
    [load(2_000, 1_000, 2_000), 'scale', 'tenants', 100, 'enterprise'],
    [load(2_001), 'enterprise', 'tenants', 4, null],
    [load(50_000, 25_000, 50_000), 'enterprise', 'tenants', 100, null],
  ] as const)('of %j is %s, by %s, %d %% used, before %s', (asked, phase, limit, usedPercent, next) => {
    expect(planOf(asked, GUIDE, givenGrowth(0), NOW)).toMatchObject({ phase, limit, usedPercent, next, isBeyond: false })
  })

  it.each([load(50_001), load(1, 25_001), load(1, 1, 50_001)])('of %j is none: it is more than the guide speaks of', asked => {
    const plan = planOf(asked, GUIDE, givenGrowth(0.1), NOW)
    expect(plan).toMatchObject({ phase: 'enterprise', isBeyond: true, next: null, usedPercent: 101 })
    expect(plan.full).toEqual({ weeks: 0, at: NOW, why: null })
  })

  it('is full when the tightest limit is', () => {
    const { full } = planOf(load(25, 1, 80), GUIDE, givenGrowth(0.05), NOW)
    expect(full.weeks).toBeCloseTo(Math.log(1 / 0.8) / Math.log(1.05), 6)
    expect(full.at).toBeCloseTo(NOW + (full.weeks ?? 0) * WEEK_MS, -3)
  })
})

describe('what a phase carries', () => {
  const figure = (phase: MeasuredFigure['phase'], metric: MeasuredFigure['metric'], measured: number): MeasuredFigure => ({
    ...{ phase, metric, measured, at: NOW },
  })
  it.each([
    ['the guide, where nothing was measured', [], 'mvp', 100, 'guide'],
    ['more, as measured', [figure('mvp', 'requests_per_s', 480)], 'mvp', 480, 'measured'],
    ['less, as measured on the one server it has', [figure('growth', 'requests_per_s', 320)], 'growth', 320, 'measured'],
    ['the guide, where one of its several servers does less', [figure('scale', 'requests_per_s', 900)], 'scale', 2_000, 'guide'],
    ['more, where one of its several servers does more', [figure('scale', 'requests_per_s', 9_000)], 'scale', 9_000, 'measured'],
    ['at least what the one before does', [figure('mvp', 'requests_per_s', 700)], 'growth', 700, 'phase before'],
    ['at least that, over several', [figure('mvp', 'requests_per_s', 7_000)], 'scale', 7_000, 'phase before'],
  ] as const)('is %s', (_, figures, phase, value, from) => {
    expect(limitsOf(figures)[phase].requests_per_s).toMatchObject({ value, from })
    expect(limitsOf(figures)[phase].tenants).toEqual(GUIDE[phase].tenants)
  })
})

describe('growth', () => {
  const weeks = (many: number) => NOW - many * WEEK_MS
  it.each([
    [null, 0],
    [weeks(1.9), 0],
    [weeks(2), 2],
    [weeks(5.5), 5],
    [weeks(80), 8],
  ])('of tenants since %s is measured over %s weeks', (since, over) => {
    expect(weeksOfHistory(since, NOW)).toBe(over)
    expect(weeksBefore(NOW, over)).toBe(weeks(over))
  })

  it.each([
    [null, 0, 0, 0, null, 'there is no tenant yet'],
    [weeks(1), 50, 0, 0, null, 'younger than 2 weeks'],
    [weeks(4), 30, 9, 4, null, 'fewer than 10'],
    [weeks(4), 200, 100, 4, 2 ** (1 / 4) - 1, '100 tenants 4 weeks ago, 200 now'],
    [weeks(4), 100, 100, 4, 0, '100 now'],
    [weeks(2), 81, 100, 2, -0.1, '81 now'],
  ])('from %s, with %s now and %s before, over %s weeks, is %s', (since, now, before, over, perWeek, why) => {
    const growth = measuredGrowth({ since, now, before }, over)
    if (perWeek === null) expect(growth).toMatchObject({ perWeek, source: 'unknown' })
    else expect(growth.perWeek).toBeCloseTo(perWeek, 9)
    expect(growth.why).toContain(why)
  })

  it.each([
    [0.5, 1, 1, null],
    [0.25, 1, 2, null],
    [0.5, 0, null, 'not at this growth'],
    [0.5, -0.1, null, 'not at this growth'],
    [0, 0.1, null, 'nothing is used yet'],
    [1, 0.1, 0, null],
    [2, -0.1, 0, null],
    [0.001, 0.001, null, 'not within ten years at this growth'],
  ])('fills %s at %s a week in %s weeks', (used, perWeek, expected, why) => {
    expect(weeksUntilFull(used, givenGrowth(perWeek))).toEqual({ weeks: expected, why })
  })

  it('that is not known fills nothing', () => {
    expect(weeksUntilFull(0.5, measuredGrowth({ since: null, now: 0, before: 0 }, 0)).weeks).toBeNull()
  })
})

describe('processes for a rate', () => {
  const model = (more: Partial<StoredModel>): StoredModel => ({
    ...{ lambda: 1_000, sigma: 0, kappa: 0, knee: null, most_processes: 12, bottleneck: 'none' },
    ...more,
  })
  it.each([
    [1, model({}), 1],
    [1_000, model({}), 1],
    [1_001, model({}), 2],
    [12_000, model({}), 12],
    [12_001, model({}), null],
    [1_800, model({ sigma: 0.1, bottleneck: 'contention' }), 2],
    [1_900, model({ sigma: 0.1, bottleneck: 'contention' }), 3],
    [2_000, model({ kappa: 0.1, knee: 3, bottleneck: 'coherency' }), null],
  ])('of %s a second are the fewest that do it', (perS, given, needed) => {
    const processes = processesFor(perS, given)
    expect(processes.needed).toBe(needed)
    if (needed !== null) expect(throughputOf(given, needed)).toBeGreaterThanOrEqual(perS)
    expect(processes.why === null).toBe(needed !== null)
  })

  it('are refused beyond three times what was measured, and beyond the knee', () => {
    expect(processesFor(99_000, model({})).why).toBe(
      '12 processes do 12,000 a second; of more than 12, three times what was measured, nothing is said',
    )
    expect(processesFor(99_000, model({ kappa: 0.1, knee: 3.2 })).why).toBe(
      '3 processes do 1,875 a second, and more of them do less',
    )
  })

  it.each([
    ['contention', 'all processes share'],
    ['coherency', 'More than 3 on one machine do less'],
    ['none', 'feedctl serve --workers auto'],
  ] as const)('name %s in words', (bottleneck, words) => {
    expect(processesFor(1, model({ bottleneck, sigma: 0.05, knee: 3.2 })).words).toContain(words)
  })
})

describe('costs', () => {
  it('are those of the guide, with what its parts come to', () => {
    const { currency, phases } = costsOf(null)
    const shown = Object.entries(phases).map(([phase, cost]) => [phase, cost.from, cost.to, sumOfParts(cost)])
    expect([currency, ...shown]).toEqual([
      'EUR',
      ['mvp', 15, null, 15],
      ['growth', 30, null, 22],
      ['scale', 150, null, 125],
      ['enterprise', 500, 2_000, 0],
    ])
  })

  it('are what FEEDCTL_COSTS says of the phases that it names', () => {
    const { currency, phases } = costsOf(
      '{"currency":"CHF","mvp":9.5,"growth":{"server":20,"Wasabi":6.5},"enterprise":[700,900]}',
    )
    expect(currency).toBe('CHF')
    expect(phases.mvp).toEqual({ from: 9.5, to: null, parts: [], source: 'FEEDCTL_COSTS' })
    expect(phases.growth).toMatchObject({ from: 26.5, to: null, source: 'FEEDCTL_COSTS' })
    expect(phases.scale).toEqual(costsOf(null).phases.scale)
    expect(phases.enterprise).toMatchObject({ from: 700, to: 900 })
  })
})
