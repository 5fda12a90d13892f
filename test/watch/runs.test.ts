import { describe, expect, test } from 'vitest'
import { isLive, type RunFacts, runStanding } from '../../src/watch/runs.js'
import { AT } from './made-up.js'

const HOUR = 3_600_000

function run(runId: string, facts: Partial<RunFacts> = {}): RunFacts {
  const times = { startedAt: AT - 60_000, closedAt: null, lastEndAt: null }
  return { runId, ...times, scheduled: false, queued: 0, running: 0, ended: 0, failed: 0, ...facts }
}

describe('a run', () => {
  test.each<[string, Partial<RunFacts>, boolean]>([
    ['with tenants that wait is live', { queued: 1 }, true],
    ['with tenants under way is live', { running: 1, ended: 9 }, true],
    ['of which all tenants have ended is not', { ended: 9, lastEndAt: AT }, false],
    ['that was closed is not, whatever it left', { queued: 3, closedAt: AT - 1_000 }, false],
    ['that nothing happened to for an hour is not', { queued: 3, startedAt: AT - HOUR }, false],
    [
      'that goes on for hours is, as long as tenants end',
      { queued: 3, startedAt: AT - 9 * HOUR, lastEndAt: AT - HOUR + 1 },
      true,
    ],
  ])('%s', (_, facts, live) => {
    expect(isLive(run('r', facts), AT)).toBe(live)
  })
})

describe('the run that is shown', () => {
  test('is none before the first', () => {
    expect(runStanding([], AT)).toBeNull()
  })

  test('is the newest that has not ended, although newer ones have', () => {
    const runs = [
      run('newest', { ended: 2, lastEndAt: AT }),
      run('live', { queued: 5, running: 2, ended: 3, failed: 1 }),
      run('old', { queued: 1 }),
    ]
    expect(runStanding(runs, AT)).toEqual({
      runId: 'live',
      startedAt: AT - 60_000,
      finishedAt: null,
      scheduled: false,
      total: 10,
      running: 2,
      ended: 3,
      failed: 1,
    })
  })

  test.each<[string, Partial<RunFacts>, number]>([
    ['it was closed', { ended: 2, closedAt: AT - 500, lastEndAt: AT - 700 }, AT - 500],
    ['its last tenant ended, where nobody closed it', { ended: 2, lastEndAt: AT - 700 }, AT - 700],
    [
      'something last happened to it, of an abandoned one',
      { queued: 2, ended: 1, startedAt: AT - 5 * HOUR, lastEndAt: AT - 4 * HOUR },
      AT - 4 * HOUR,
    ],
    ['it began, of one that nothing happened to', { queued: 2, startedAt: AT - 5 * HOUR }, AT - 5 * HOUR],
  ])('is, where none is live, the newest, and ended when %s', (_, facts, finishedAt) => {
    expect(runStanding([run('newest', facts), run('old', { ended: 1 })], AT)).toMatchObject({ runId: 'newest', finishedAt })
  })
})
