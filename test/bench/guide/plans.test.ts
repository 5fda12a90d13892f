import { describe, expect, it, test } from 'vitest'
import { attempt } from '../../../src/bench/guide/attempt.js'
import { CLAIM_NAMES, claimsFor } from '../../../src/bench/guide/claims.js'
import { claimS, estimateS } from '../../../src/bench/guide/estimate.js'
import { plannedTenants, samplesOf } from '../../../src/bench/guide/fleet-plan.js'
import type { GuideLoad } from '../../../src/bench/guide/load.js'
import { mostUsers } from '../../../src/bench/guide/most-users.js'
import { missing } from '../../../src/bench/guide/users.js'
import { Failure } from '../../../src/kernel/errors.js'

describe('which claims are measured', () => {
  it.each([
    [CLAIM_NAMES, ['mvp'], ['users', 'requests', 'tenants', 'scaling']],
    [CLAIM_NAMES, ['growth'], ['eager', 'caching', 'users', 'requests', 'events', 'tenants', 'scaling']],
    [CLAIM_NAMES, ['scale'], ['users', 'requests', 'tenants', 'sync', 'scaling']],
    [CLAIM_NAMES, ['mvp', 'growth', 'scale', 'enterprise'], CLAIM_NAMES],
    [
      ['sync', 'eager'],
      ['growth', 'scale'],
      ['eager', 'sync'],
    ],
    [['sync'], ['mvp'], []],
  ] as const)('%j of %j', (wanted, phases, claims) => {
    expect(claimsFor(wanted, phases)).toEqual(claims)
  })
})

describe('how long it takes', () => {
  const load: GuideLoad = {
    phases: ['mvp', 'growth', 'scale', 'enterprise'],
    claims: CLAIM_NAMES,
    ...{ tenants: 100, requests: 20_000, writeEvery: 100, syncTenants: 1_000, goalMs: 150, duration: 10, repeat: 1 },
  }

  it('is estimated at less than a quarter of an hour for all of it', () => {
    expect(estimateS(load)).toBeLessThan(900)
    expect(estimateS(load)).toBeGreaterThan(300)
  })

  it('is the sum of the claims, of each round, and of the one series by processes', () => {
    const [tenants, scaling] = [claimS(load, 'tenants'), claimS(load, 'scaling')]
    expect(estimateS({ ...load, claims: ['tenants', 'scaling'], repeat: 3 })).toBe(Math.round(3 * tenants + scaling))
    expect(claimS({ ...load, phases: ['mvp'] }, 'tenants')).toBeLessThan(tenants)
    expect(claimS({ ...load, syncTenants: 10 }, 'sync')).toBeLessThan(claimS(load, 'sync'))
  })
})

describe('the tenants of the phases', () => {
  it('live in databases of their own up to the thousandth, and share tables from there on', () => {
    const planned = plannedTenants(998, 1_003)
    expect(planned.map(({ slug, placement }) => `${slug} ${placement}`)).toEqual([
      't000999 dedicated',
      't001000 dedicated',
      't001001 shared',
      't001002 shared',
      't001003 shared',
    ])
  })

  it.each([
    [0, 100, ['t000001', 't000100'], 20],
    [500, 2_000, ['t000501', 't001000', 't001001', 't002000'], 22],
    [2_000, 50_000, ['t002001', 't050000'], 20],
    [0, 1, ['t000001'], 1],
    [5, 5, [], 0],
  ])('from %i to %i have samples at the ends and at the border', (from, to, slugs, count) => {
    const samples = samplesOf(plannedTenants(from, to)).map(({ slug }) => slug as string)
    expect(samples).toEqual(expect.arrayContaining(slugs))
    expect(samples).toHaveLength(count)
  })
})

describe('the users that are let in', () => {
  const within = { p99Ms: 150, faults: [], doubts: [] }
  const slow = { p99Ms: 150.1, faults: [], doubts: [] }
  const busy = { ...slow, doubts: ['the load generator was saturated'] }
  const lost = { p99Ms: 10, faults: ['connections lost: reset'], doubts: ['the load generator was saturated'] }
  const silent = { p99Ms: null, faults: [], doubts: [] }
  const tooSlow = '1 answer of 100 took more than 150.1 ms: the goal is 150 ms'

  it.each([
    ['all of them are answered in time', [within], { users: 1_000, p99Ms: 150, shortfall: null, doubts: [] }],
    ['half of them are', [slow, within], { users: 500, p99Ms: 150.1, shortfall: tooSlow, doubts: [] }],
    ['an eighth of them is', [slow, slow, busy, within], { users: 125, p99Ms: 150.1, shortfall: tooSlow, doubts: [] }],
    ['even an eighth is too many', [slow, slow, slow, slow], { users: 0, p99Ms: 150.1, shortfall: tooSlow, doubts: [] }],
    ['the generator was too busy', [busy, within], { users: 500, p99Ms: 150.1, shortfall: tooSlow, doubts: busy.doubts }],
    ['some are lost, however busy', [lost, within], { users: 500, p99Ms: 10, shortfall: lost.faults[0], doubts: [] }],
    ['nobody is answered', [silent, within], { users: 500, p99Ms: null, shortfall: 'nothing was answered', doubts: [] }],
  ])('are so many where %s', async (_name, tries, look) => {
    const asked: number[] = []
    const ask = async (users: number) => tries[asked.push(users) - 1] ?? within
    expect(await mostUsers(1_000, 150, ask)).toEqual(look)
    expect(asked).toEqual([1_000, 500, 250, 125].slice(0, tries.length))
  })

  it('are missed where they were held and not all answered twice', () => {
    const figures = { bytesPerConnection: null, p99Ms: 1, perS: 1, faults: [] }
    expect(missing({ open: 100, lost: 0, fewestAnswers: 2, ...figures }, 100)).toEqual([])
    expect(missing({ open: 99, lost: 1, fewestAnswers: 1, ...figures }, 100)).toEqual([
      '99 of 100 connections stayed open',
      'a connection was answered 1 times instead of twice',
    ])
  })
})

describe('a part that fails', () => {
  const open = new AbortController().signal

  test('says why, and what to try', async () => {
    const failing = async () => {
      throw new Failure('CONFIG_INVALID', 'too few files', { hint: 'ulimit -n 20000' })
    }
    expect(await attempt(failing, open)).toEqual({ part: null, why: 'too few files (try: ulimit -n 20000)' })
  })

  test('shows a bug to who listens, and not a refusal', async () => {
    const heard: unknown[] = []
    const bug = new TypeError('x is not a function')
    const listen = (error: unknown) => void heard.push(error)
    expect(await attempt(() => Promise.reject(bug), open, listen)).toEqual({ part: null, why: 'x is not a function' })
    await attempt(() => Promise.reject(new Failure('UNAVAILABLE', 'away')), open, listen)
    expect(heard).toEqual([bug])
  })

  test('is no failure of its own once all is stopped', async () => {
    const stopping = new AbortController()
    const reason = new Error('stopped')
    const failing = async () => {
      stopping.abort(reason)
      throw new Failure('UNAVAILABLE', 'its child is gone')
    }
    await expect(attempt(failing, stopping.signal)).rejects.toBe(reason)
  })
})
