import { describe, expect, test } from 'vitest'
import { type AlertSettings, conditionsIn } from '../../src/watch/conditions.js'
import type { Overview, QueueStanding } from '../../src/watch/overview.js'
import { AT, cardQueue, overviewOf, queueOf, sourcesOf, supervisorOf, tenantsOf, workerOf } from './made-up.js'

const SETTINGS: AlertSettings = { alertWaitS: 900, alertFailuresPercent: 25, alertNoSyncS: 3_600, drainMs: 25_000 }
const NEVER: AlertSettings = { alertWaitS: 0, alertFailuresPercent: 0, alertNoSyncS: 0, drainMs: 0 }
const HOUR = 3_600_000

function found(facts: Partial<Overview>, settings = SETTINGS, watchedSince = AT - 24 * HOUR): [string, number][] {
  return conditionsIn(overviewOf(facts), settings, watchedSince).map(({ name, value }) => [name, value])
}

describe('a queue', () => {
  const consumer = workerOf(1, [cardQueue('sync')])
  const queueWith = (facts: Partial<QueueStanding>, workers = [consumer]) => found({ queues: [queueOf('sync', facts)], workers })

  test.each<[string, Partial<QueueStanding>, [string, number][]]>([
    ['that is empty is well', {}, []],
    ['whose oldest wait is at the limit is well', { waiting: 1, oldestWaitMs: 900_999 }, []],
    ['whose oldest wait is over the limit is not', { waiting: 1, oldestWaitMs: 901_000 }, [['queue-wait:sync', 901]]],
    [
      'that is paused tells of its wait all the same',
      { waiting: 1, oldestWaitMs: 2_000_000, paused: true },
      [['queue-wait:sync', 2_000]],
    ],
    ['whose share of failures is at the limit is well', { recent: { finished: 75, failed: 25 } }, []],
    ['whose share of failures is over the limit is not', { recent: { finished: 74, failed: 26 } }, [['queue-failures:sync', 26]]],
    ['of which all of 20 jobs failed is not well', { recent: { finished: 0, failed: 20 } }, [['queue-failures:sync', 100]]],
    ['of which all of 19 jobs failed says too little', { recent: { finished: 0, failed: 19 } }, []],
  ])('%s', (_, facts, expected) => {
    expect(queueWith(facts)).toEqual(expected)
  })

  test.each<[string, Partial<QueueStanding>, Partial<Overview>, boolean]>([
    ['no worker is there', { waiting: 3 }, { workers: [] }, true],
    ['the workers consume others', { waiting: 3 }, { workers: [workerOf(1, [cardQueue('media')])] }, true],
    ['the only worker drains', { waiting: 3 }, { workers: [workerOf(1, [cardQueue('sync')], { state: 'draining' })] }, true],
    ['one is there', { waiting: 3 }, { workers: [consumer] }, false],
    ['its worker is paused', { waiting: 3 }, { workers: [workerOf(1, [cardQueue('sync')], { state: 'paused' })] }, false],
    ['the queue is paused', { waiting: 3, paused: true }, { workers: [] }, false],
    ['nothing waits', {}, { workers: [] }, false],
    ['jobs are run by those who add them', { waiting: 3 }, { workers: [], driver: 'sync' }, false],
  ])('with jobs that wait is consumed or not, when %s', (_, queue, facts, expected) => {
    expect(found({ queues: [queueOf('sync', queue)], ...facts })).toEqual(expected ? [['not-consuming:sync', 3]] : [])
  })

  test.each<[string, Partial<Overview>, number]>([
    ['at once where nobody starts another', {}, 0],
    ['for as long as its worker drains, and is replaced, where a supervisor works', { supervisors: [supervisorOf()] }, 85_000],
    ['at once where the supervisor drains itself', { supervisors: [supervisorOf({ state: 'draining' })] }, 0],
  ])('that is not consumed has to be seen so %s', (_, facts, patienceMs) => {
    const workers = [workerOf(1, [cardQueue('sync')], { state: 'draining' })]
    const overview = overviewOf({ queues: [queueOf('sync', { waiting: 3 })], workers, ...facts })
    expect(conditionsIn(overview, SETTINGS, AT)).toMatchObject([{ name: 'not-consuming:sync', patienceMs }])
  })

  test('is named in what it is told of, with the numbers', () => {
    const queues = [
      queueOf('media', { waiting: 1, oldestWaitMs: 1_000_000, paused: true }),
      queueOf('sync', { waiting: 1, recent: { finished: 10, failed: 30 } }),
    ]
    expect(conditionsIn(overviewOf({ queues }), SETTINGS, AT).map(condition => condition.message)).toEqual([
      'the oldest job of the queue media has waited 1000 s, more than 900 s; the queue is paused',
      '30 of 40 jobs of the queue sync failed in the last five minutes, more than 25 %',
      '1 job waits in the queue sync, and no worker consumes it',
    ])
  })
})

describe('that nothing is synced', () => {
  const due = AT - 9 * HOUR
  test.each<[string, Partial<Overview>, number | null]>([
    ['is told when the last success is too long ago', { tenants: tenantsOf({ syncedAt: AT - 2 * HOUR, dueAt: due }) }, 7_200],
    ['is not told at the limit', { tenants: tenantsOf({ syncedAt: AT - HOUR, dueAt: due }) }, null],
    ['is told since tenants are due', { tenants: tenantsOf({ syncedAt: AT - 20 * HOUR, dueAt: AT - 2 * HOUR }) }, 7_200],
    ['is not told while none is due for so long', { tenants: tenantsOf({ syncedAt: AT - 20 * HOUR, dueAt: AT - HOUR }) }, null],
    ['is told when nobody knows who is due', { tenants: tenantsOf({ syncedAt: AT - 2 * HOUR, dueAt: 0 }) }, 7_200],
    ['is told when there never was a success', { tenants: tenantsOf({ syncedAt: null, dueAt: 0 }) }, 24 * 3_600],
    ['is not told of a young installation', { tenants: tenantsOf({ syncedAt: null, dueAt: 0, oldestAt: AT - HOUR }) }, null],
    [
      'is told since the last success, not since tenants that fail are due again',
      { tenants: tenantsOf({ syncedAt: AT - 2 * HOUR, failingSince: AT - HOUR, dueAt: 0 }) },
      7_200,
    ],
    [
      'is told since the last of those that fail began to, where no success is known',
      { tenants: tenantsOf({ syncedAt: null, failingSince: AT - 30 * HOUR, dueAt: 0 }) },
      30 * 3_600,
    ],
    ['is not told without tenants', { tenants: tenantsOf({ syncedAt: null, oldestAt: null, dueAt: null }) }, null],
    ['is not told where all are paused', { tenants: tenantsOf({ syncedAt: AT - 9 * HOUR, dueAt: null }) }, null],
    [
      'is not told without sources',
      { tenants: tenantsOf({ syncedAt: null, dueAt: 0 }), sources: sourcesOf({ total: 2, retired: 2 }) },
      null,
    ],
  ])('%s', (_, facts, expected) => {
    expect(found(facts)).toEqual(expected === null ? [] : [['no-sync', expected]])
  })

  test('is not told of what may have succeeded until shortly before it was watched', () => {
    const facts = { tenants: tenantsOf({ syncedAt: AT - 70 * HOUR, failingSince: AT - 60_000, dueAt: 0 }) }
    expect(found(facts, SETTINGS, AT - 60_000)).toEqual([])
    expect(found(facts, SETTINGS, AT - 2 * HOUR)).toEqual([['no-sync', 7_200]])
  })

  test('is held against the time since it is watched, where a success is not known', () => {
    const facts = { tenants: tenantsOf({ syncedAt: null, dueAt: 0 }) }
    expect([found(facts, SETTINGS, AT - HOUR), found(facts, SETTINGS, AT - HOUR - 1_000)]).toEqual([[], [['no-sync', 3_601]]])
  })
})

test('a limit of 0 asks for nothing', () => {
  const queues = [queueOf('sync', { oldestWaitMs: 9_000_000, recent: { finished: 0, failed: 99 } })]
  const facts = { queues, tenants: tenantsOf({ syncedAt: AT - 99 * HOUR, dueAt: 0 }) }
  expect([found(facts).length, found(facts, NEVER)]).toEqual([3, []])
})
