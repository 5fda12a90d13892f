import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../../src/bench/guide/attempt.js'
import { CLAIM_NAMES } from '../../../src/bench/guide/claims.js'
import type { FleetLook } from '../../../src/bench/guide/fleet.js'
import type { GuideLoad } from '../../../src/bench/guide/load.js'
import type { UsersLook } from '../../../src/bench/guide/most-users.js'
import type { GuideRound } from '../../../src/bench/guide/round.js'
import { rowsOf, scalingRows } from '../../../src/bench/guide/rows.js'
import type { ScalabilityModel } from '../../../src/bench/model/model.js'

const LOAD: GuideLoad = {
  phases: ['mvp', 'growth'],
  claims: CLAIM_NAMES,
  tenants: 100,
  requests: 1_000,
  writeEvery: 200,
  syncTenants: 1_000,
  goalMs: 150,
  duration: 10,
  repeat: 1,
}
const NOTHING: GuideRound = { eager: null, caching: null, users: null, requests: null, events: null, tenants: null, sync: null }
const is = <Part>(part: Part): Attempt<Part> => ({ part, why: null })
const failed = (why: string) => ({ part: null, why })
const cost = (statementsPer1000: number | null, ms: number) => ({ statementsPer1000, p50Ms: ms, meanMs: ms, perS: 1 })
const caching = (saved = 0.9, faster = 6, faults: readonly string[] = []) =>
  is({ cached: cost(1_000 * (1 - saved), 1), uncached: cost(1_000, faster), faults })
const events = (batchedPerS: number, wallS = 61, faults: readonly string[] = []) =>
  is({ singlePerS: 10_000, batchedPerS, wallS, faults })
const sync = (throughWorkersS: number, faults: readonly string[] = []) =>
  is({ throughWorkersS, feedByFeedS: 6_000, tenantByTenantS: 800, faults })
const fleet = (answered: number, changes: Partial<FleetLook> = {}) =>
  is({ answered, enqueueMs: 500, shortfall: null, faults: [], ...changes })
const users = (count: number, changes: Partial<UsersLook> = {}) =>
  is({ users: count, p99Ms: 40, shortfall: null, doubts: [], ...changes })

const rowFor = (metric: string, part: Partial<GuideRound>, load = LOAD) =>
  rowsOf(load, [{ ...NOTHING, ...part }]).find(row => row.metric === metric)

describe("the guide's claims", () => {
  it.each([
    ['statements_saved_percent', { caching: caching(0.9) }, 90, 80],
    ['latency_p50_ratio', { caching: caching(0.9, 6) }, 6, 5],
    ['eager_saved_percent', { eager: is({ eager: 1, lazy: 21, faults: [] }) }, 95.238, 90],
    ['events_ratio', { events: events(200_000) }, 20, 10],
    ['events_per_s', { events: events(100_000) }, 100_000, 100_000],
    ['sync_workers_ratio', { sync: sync(300) }, 20, 20],
  ])('hold by %s', (metric, part, measured, target) => {
    expect(rowFor(metric, part)).toMatchObject({ measured, target, atLeast: true, pass: true, valid: true, why: null })
  })

  it.each([
    ['statements_saved_percent', { caching: caching(0.7) }],
    ['latency_p50_ratio', { caching: caching(0.9, 4.9) }],
    ['eager_saved_percent', { eager: is({ eager: 21, lazy: 21, faults: [] }) }],
    ['events_ratio', { events: events(99_000) }],
    ['events_per_s', { events: events(99_000) }],
    ['sync_1000_tenants_s', { sync: sync(301) }],
    ['sync_workers_ratio', { sync: sync(301) }],
  ])('do not hold by %s for less', (metric, part) => {
    expect(rowFor(metric, part)).toMatchObject({ pass: false, valid: true })
  })

  it.each([
    ['statements_saved_percent', { caching: is({ cached: cost(null, 1), uncached: cost(null, 6), faults: [] }) }],
    ['latency_p50_ratio', { caching: caching(0.9, 6, ['answers with 500 instead of 200']) }],
    ['events_per_s', { events: events(200_000, 61, ['events of 1 tenants are not counted once']) }],
    ['sync_1000_tenants_s', { sync: sync(100, ['failed feeds: 3 instead of 0']) }],
    ['sync_1000_tenants_s', { sync: failed('with QUEUE_CONNECTION=redis the workers share what they read') }],
  ])('do not count by %s where it was not measured, or something was wrong', (metric, part) => {
    expect(rowFor(metric, part)).toMatchObject({ pass: false, valid: false, why: expect.stringMatching(/./) })
  })

  it('are told as they are where nothing is promised of so little', () => {
    expect(rowFor('events_per_s', { events: events(50_000, 59) })).toMatchObject({ target: null, pass: null, valid: true })
    const few = { ...LOAD, syncTenants: 20 }
    expect(rowFor('sync_20_tenants_s', { sync: sync(400) }, few)).toMatchObject({ target: null, pass: null, measured: 400 })
    expect(rowFor('sync_workers_ratio', { sync: sync(400) }, few)).toMatchObject({ target: null, pass: null })
    expect(rowFor('sync_serial_1000_tenants_s', { sync: sync(100) })).toMatchObject({ target: null, measured: 6_000 })
  })

  it('tell of the processes beyond which more do less, and of a series that failed why', () => {
    const model: ScalabilityModel = {
      ...{ lambda: 1, sigma: 0.1, kappa: 0.01, rSquared: 1, points: [], knee: 9, kneeInterval: [8, 10], mostProcesses: 24 },
      bottleneck: 'contention',
      intervals: { lambda: [1, 1], sigma: [0, 0], kappa: [0, 0] },
    }
    const row = { phase: null, metric: 'scaling_knee_processes', target: null, pass: null }
    expect(scalingRows(is({ points: [], model, faults: [] }))).toMatchObject([{ ...row, measured: 9, valid: true }])
    expect(scalingRows(failed('no memory'))).toMatchObject([{ ...row, measured: null, valid: false, why: 'no memory' }])
  })

  it('have no rows where they were not asked for', () => {
    expect(rowsOf(LOAD, [NOTHING])).toEqual([])
    expect(scalingRows(null)).toEqual([])
  })

  it('are the median of the rounds; a round that failed spoils it', () => {
    const rounds = [90, 200, 120].map(seconds => ({ ...NOTHING, sync: sync(seconds) }))
    expect(rowsOf(LOAD, rounds)[0]).toMatchObject({ measured: 120, min: 90, max: 200, pass: true })
    const spoilt = rowsOf(LOAD, [...rounds, { ...NOTHING, sync: failed('the disk is full') }])
    expect(spoilt[0]).toMatchObject({ measured: 120, valid: false, pass: false, why: 'the disk is full' })
  })
})

describe("the guide's capacity table", () => {
  const rowsBy = (part: Partial<GuideRound>) =>
    rowsOf(LOAD, [{ ...NOTHING, ...part }]).map(({ phase, metric, target, measured, pass, valid, why }) => {
      return [phase, metric, target, measured, valid ? (pass ? 'pass' : 'fail') : 'invalid', why]
    })

  it('has a row of each phase, with why it does not hold', () => {
    const missing = '1 of 500 tenants are not listed where they should live'
    expect(rowsBy({ tenants: [fleet(100), fleet(499, { shortfall: missing })] })).toEqual([
      ['mvp', 'tenants', 100, 100, 'pass', null],
      ['mvp', 'sync_enqueue_s', 10, 0.5, 'pass', null],
      ['growth', 'tenants', 500, 499, 'fail', missing],
      ['growth', 'sync_enqueue_s', 10, 0.5, 'pass', null],
    ])
  })

  it('does not count an enqueuing in which jobs were left out, and holds its time against it', () => {
    const left = '499 of 500 jobs are in the queue'
    expect(rowsBy({ tenants: [fleet(100, { enqueueMs: 10_001 }), fleet(500, { faults: [left] })] })).toMatchObject([
      ['mvp', 'tenants', 100, 100, 'pass', null],
      ['mvp', 'sync_enqueue_s', 10, 10.001, 'fail', null],
      ['growth', 'tenants', 500, 500, 'pass', null],
      ['growth', 'sync_enqueue_s', 10, 0.5, 'invalid', left],
    ])
  })

  it('tells users that are too many from a generator that was too busy', () => {
    const slow = '1 answer of 100 took more than 200.0 ms: the goal is 150 ms'
    const busy = 'the load generator was saturated (99 % busy): the server could have done more'
    const many = users(25, { p99Ms: 200, shortfall: slow })
    expect(rowsBy({ users: [many, users(100, { p99Ms: 200, shortfall: slow, doubts: [busy] })] })).toEqual([
      ['mvp', 'concurrent_users', 50, 25, 'fail', slow],
      ['mvp', 'users_p99_ms', 150, 200, 'fail', null],
      ['growth', 'concurrent_users', 200, 100, 'invalid', `${slow}; ${busy}`],
      ['growth', 'users_p99_ms', 150, 200, 'invalid', `${slow}; ${busy}`],
    ])
  })

  it.each([
    ['server', 'at 420 per second the p99 was 400.0 ms instead of 150', 'fail'],
    ['generator', 'at 420 per second the load generator was saturated (99 % busy)', 'invalid'],
  ] as const)('holds for every phase up to the rate that was found, and beyond it as the %s was the limit', (limit, why, verdict) => {
    const found = (highestPerS: number | null) =>
      is({ highestPerS, missedPerS: 420, limit, why, steps: [], latency: null, throughput: null, faults: [], doubts: [] })
    const told = verdict === 'fail' ? why : `${why}: this machine cannot prove 500 per second`
    expect(rowsBy({ requests: found(400) })).toEqual([
      ['mvp', 'requests_per_s', 100, 400, 'pass', null],
      ['growth', 'requests_per_s', 500, 400, verdict, told],
    ])
    expect(rowsBy({ requests: found(null) })).toMatchObject([
      ['mvp', 'requests_per_s', 100, 0, verdict, expect.stringContaining(why)],
      ['growth', 'requests_per_s', 500, 0, verdict, told],
    ])
    expect(rowsBy({ requests: found(500) })[1]).toEqual(['growth', 'requests_per_s', 500, 500, 'pass', null])
  })

  it('says of a phase why it could not be measured, and keeps the others', () => {
    const why = 'each of 2 processes would hold 100 connections, and may open 64 files (try: ulimit -n 600)'
    expect(rowsBy({ users: [users(50), failed(why)] })).toEqual([
      ['mvp', 'concurrent_users', 50, 50, 'pass', null],
      ['mvp', 'users_p99_ms', 150, 40, 'pass', null],
      ['growth', 'concurrent_users', 200, null, 'invalid', `${why}; concurrent_users could not be measured`],
      ['growth', 'users_p99_ms', 150, null, 'invalid', `${why}; users_p99_ms could not be measured`],
    ])
  })
})
