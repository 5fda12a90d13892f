import { describe, expect, it, test } from 'vitest'
import { nextSyncAt } from '../../../src/feeds/next-sync.js'
import { isForced, nextGroup, type WaitingPart } from '../../../src/feeds/tenant-part.js'

const NOW = 1_700_000_000_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

describe('the next sync of a tenant', () => {
  const ok = { state: 'ok', code: null, dueAt: NOW + HOUR_MS, outageFeeds: 0 } as const
  test.each([
    ['is when the first of its sources is due', ok, HOUR_MS],
    ['is at once when one has become due meanwhile', { ...ok, dueAt: NOW - 1 }, -1],
    ['is far off when none will ever be due', { ...ok, dueAt: null }, 7 * 24 * HOUR_MS],
    [
      'is not later than any check asks for, whatever a clock that was wrong has left',
      { ...ok, dueAt: NOW + 400 * DAY_MS },
      16 * DAY_MS,
    ],
    ['waits while publishers cannot be reached', { ...ok, dueAt: NOW - 1, outageFeeds: 1 }, 5 * MINUTE_MS],
    ['is not brought forward by that', { ...ok, outageFeeds: 1 }, HOUR_MS],
    ['is five minutes after a failure', { ...ok, state: 'failed', code: 'UNAVAILABLE' }, 5 * MINUTE_MS],
    ['leaves quarantine to the operator for an hour', { ...ok, state: 'failed', code: 'JOB_QUARANTINED' }, HOUR_MS],
  ] as const)('%s', (_name, end, afterMs) => {
    expect(nextSyncAt(end, NOW)).toBe(NOW + afterMs)
  })

  it('is as soon as it may be, after one that was skipped', () => {
    expect(nextSyncAt({ ...ok, state: 'skipped' }, NOW)).toBeNull()
  })
})

const part = (run: string, after: number | null, own: Partial<WaitingPart> = {}): WaitingPart => ({
  run_id: run,
  after_feed: after,
  report: after === null ? null : `done ${after}`,
  forced: 0,
  started_at: NOW,
  finished_at: null,
  ...own,
})

describe('the parts that one job serves', () => {
  test.each([
    ['are none where none wait', [], []],
    ['are all that have not begun', [part('a', null), part('b', null, { started_at: NOW + 1 })], ['b', 'a']],
    ['are the furthest', [part('a', null), part('b', 400), part('c', 200)], ['b']],
    ['are those that are there together', [part('a', 400), part('b', 400, { started_at: NOW - 1 }), part('c', null)], ['a', 'b']],
    ['are not those that came to something else', [part('a', 400), part('b', 400, { started_at: NOW - 1, report: '{}' })], ['a']],
    ['have one order, however they are found', [part('a', null), part('b', null)].reverse(), ['b', 'a']],
  ])('%s', (_name, waiting, served) => {
    expect(nextGroup(waiting).map(each => each.run_id)).toEqual(served)
  })

  const forced = { forced: 1 }
  test.each([
    ['not forced when none is', [part('a', null)], false],
    ['forced when one is', [part('a', null), part('b', null, forced)], true],
    ['not forced by a run that is over', [part('a', null), part('b', null, { ...forced, finished_at: NOW })], false],
    [
      'not forced by one abandoned an hour ago',
      [part('a', null), part('b', null, { ...forced, started_at: NOW - HOUR_MS })],
      false,
    ],
  ])('are %s', (_name, group, expected) => {
    expect(isForced(group)).toBe(expected)
  })
})
