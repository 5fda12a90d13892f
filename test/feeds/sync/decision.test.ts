import { describe, expect, it } from 'vitest'
import { type CheckMoment, decide, type Finding } from '../../../src/feeds/decision.js'
import type { Rhythm } from '../../../src/feeds/document.js'
import { MOVES_BELIEVED, moveSeen } from '../../../src/feeds/moves.js'
import { readReasons } from '../../../src/feeds/schedule.js'
import type { CheckedSource } from '../../../src/feeds/sources.js'
import type { FailureCode } from '../../../src/kernel/errors.js'

const MINUTE_MS = 60_000
const NOW = Date.UTC(2026, 5, 15, 12)
const MOMENT: CheckMoment = { runId: 'run-2', now: NOW, random: 0 }
const RHYTHM: Rhythm = { ttlMinutes: 120, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null }

function source(changes: Partial<CheckedSource> = {}): CheckedSource {
  return {
    id: 7,
    url: 'https://site.example/feed.xml',
    url_hash: 'h',
    host: 'site.example',
    etag: '"one"',
    last_modified: 'then',
    version: 'v1',
    checked_at: NOW - 60 * MINUTE_MS,
    checked_run: 'run-1',
    changed_at: NOW - 60 * MINUTE_MS,
    next_check_at: NOW,
    quiet_until: null,
    next_check_why: null,
    rhythm: JSON.stringify(RHYTHM),
    notices: null,
    moved_to: null,
    moved_count: 0,
    merged_into: null,
    retired_at: null,
    failure_code: null,
    failure_message: null,
    failure_count: 0,
    left_at: null,
    created_at: 1,
    ...changes,
  }
}

const failed = (code: FailureCode, retryAfterS: number | null = null): Finding => ({
  kind: 'failed',
  failure: { code, message: `it says ${code}` },
  retryAfterS,
  permanentUrl: null,
  finalUrl: null,
})
const answered = { etag: '"two"', lastModified: null, cacheMaxAgeS: null, permanentUrl: null }
const unchanged: Finding = { kind: 'unchanged', ...answered, version: 'v1' }
const newVersion: Finding = { kind: 'new-version', ...answered, version: 'v2', rhythm: RHYTHM, notices: [] }

describe('the row a check leaves', () => {
  it('after a failure keeps what was known of the document and counts', () => {
    const before = source({ failure_count: 2 })
    const after = decide(before, failed('FEED_HTTP_STATUS'), MOMENT)
    expect(after).toMatchObject({ failure_code: 'FEED_HTTP_STATUS', failure_count: 3, checked_at: NOW, checked_run: 'run-2' })
    const { etag, last_modified, version, rhythm, changed_at } = before
    expect(after).toMatchObject({ etag, last_modified, version, rhythm, changed_at, retired_at: null })
    expect(after.next_check_at).toBe(NOW + 20 * MINUTE_MS)
  })

  it('after a success forgets the failures', () => {
    const before = source({ failure_count: 9, failure_code: 'FEED_TIMEOUT', failure_message: 'late', retired_at: 5 })
    expect(decide(before, unchanged, MOMENT)).toMatchObject({
      failure_code: null,
      failure_message: null,
      failure_count: 0,
      retired_at: null,
      changed_at: before.changed_at,
    })
  })

  it('after a 410 is retired', () => {
    expect(decide(source(), failed('FEED_GONE'), MOMENT)).toMatchObject({ retired_at: NOW, failure_code: 'FEED_GONE' })
  })

  it('of a source that was not asked is as it was, and later only when another host keeps it waiting', () => {
    const before = source({ failure_count: 1, failure_code: 'FEED_LIMITED', failure_message: 'slow down' })
    const quiet = { kind: 'postponed', reason: 'quiet', requests: 0, finalUrl: before.url, permanentUrl: null } as const
    expect(decide(before, { ...quiet, retryAfterS: 90, host: 'site.example' }, MOMENT)).toEqual(before)
    const elsewhere: Finding = { ...quiet, retryAfterS: 90, host: 'other.example' }
    const after = decide(before, elsewhere, MOMENT)
    expect(after).toEqual({ ...before, next_check_at: NOW + 90_000, next_check_why: after.next_check_why })
    expect(readReasons(after.next_check_why)).toMatchObject([{ code: 'host-quiet', ms: 90_000, decides: true }])
    const later = source({ next_check_at: NOW + 100_000 })
    expect(decide(later, elsewhere, MOMENT)).toEqual(later)
  })

  it('after a 410 behind a redirect for now is a failure, and behind one for good the end', () => {
    const gone = { ...failed('FEED_GONE'), finalUrl: 'https://other.example/feed.xml' }
    expect(decide(source(), gone as Finding, MOMENT)).toMatchObject({
      retired_at: null,
      failure_code: 'FEED_GONE',
      failure_count: 1,
    })
    const moved = { ...gone, permanentUrl: 'https://other.example/feed.xml' }
    expect(decide(source(), moved as Finding, MOMENT)).toMatchObject({ retired_at: NOW })
  })

  it('after a new document holds its validators, rhythm and notices', () => {
    const notices = [{ code: 'POSTS_CUT' as const, message: 'many' }]
    const after = decide(source(), { ...newVersion, notices }, MOMENT)
    expect(after).toMatchObject({ etag: '"two"', last_modified: null, version: 'v2', changed_at: NOW })
    expect(JSON.parse(after.rhythm ?? '')).toEqual(RHYTHM)
    expect(JSON.parse(after.notices ?? '')).toEqual(notices)
    expect(decide(after, unchanged, MOMENT)).toMatchObject({ notices: after.notices, rhythm: after.rhythm })
    expect(decide(after, newVersion, MOMENT).notices).toBeNull()
  })

  it('names the host of a source that an earlier feedctl registered without', () => {
    const quiet = { kind: 'postponed', reason: '', requests: 0, retryAfterS: 90, finalUrl: '', permanentUrl: null } as const
    for (const finding of [unchanged, newVersion, failed('FEED_TIMEOUT'), { ...quiet, host: 'site.example' }]) {
      const after = decide(source({ host: null }), finding, MOMENT)
      expect(after.host).toBe('site.example')
      if (finding.kind === 'postponed') expect(after.next_check_at).toBe(NOW)
    }
  })

  it('is planned by the rhythm of the document that a 304 stands for', () => {
    expect(decide(source(), unchanged, MOMENT).next_check_at).toBe(NOW + 120 * MINUTE_MS)
  })
})

describe('a redirect for good', () => {
  const at = 'https://new.example/feed.xml'

  it('counts only while it leads to the same URL', () => {
    let seen = { url: 'https://site.example/feed.xml', moved_to: null as string | null, moved_count: 0 }
    const see = (permanentUrl: string | null) => {
      seen = { ...seen, ...moveSeen(seen, permanentUrl) }
      return seen.moved_count
    }
    expect([see(at), see(at), see('https://other.example/'), see(at), see(null), see(at)]).toEqual([1, 2, 1, 1, 0, 1])
    expect(MOVES_BELIEVED).toBe(3)
  })

  it('to the URL itself, or to one that no source can have, is none', () => {
    const from = { url: 'https://site.example/feed.xml', moved_to: null, moved_count: 0 }
    expect(moveSeen(from, 'https://site.example/feed.xml#top')).toEqual({ moved_to: null, moved_count: 0 })
    expect(moveSeen(from, `https://site.example/${'x'.repeat(3000)}`)).toEqual({ moved_to: null, moved_count: 0 })
  })

  it('is not forgotten over a failure', () => {
    const before = source({ moved_to: at, moved_count: 2 })
    expect(decide(before, failed('FEED_TIMEOUT'), MOMENT)).toMatchObject({ moved_to: at, moved_count: 2 })
    expect(decide(before, { ...unchanged, permanentUrl: at } as Finding, MOMENT)).toMatchObject({ moved_to: at, moved_count: 3 })
  })
})
