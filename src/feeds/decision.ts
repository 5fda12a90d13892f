import type { Notice, Rhythm } from './document.js'
import type { FetchFailed, FetchOutcome } from './fetch/outcome.js'
import { moveSeen } from './moves.js'
import { type CheckFacts, nextCheck } from './schedule.js'
import { reason, writeReasons } from './schedule-reasons.js'
import type { CheckedSource } from './sources.js'
import { hostOf } from './urls.js'

/** What asking a source came to. */
export type Finding =
  | Pick<FetchFailed, 'kind' | 'failure' | 'retryAfterS' | 'permanentUrl' | 'finalUrl'>
  /** Its host is left alone for a while, whoever asks: it was not asked. */
  | Extract<FetchOutcome, { kind: 'postponed' }>
  | (Answered & { readonly kind: 'unchanged'; readonly version: string | null })
  | (Answered & {
      readonly kind: 'new-version'
      readonly version: string
      readonly rhythm: Rhythm
      readonly notices: readonly Notice[]
    })

interface Answered {
  readonly etag: string | null
  readonly lastModified: string | null
  readonly cacheMaxAgeS: number | null
  readonly permanentUrl: string | null
}

export interface CheckMoment {
  readonly runId: string
  readonly now: number
  /** 0 to 1: spreads the next checks. */
  readonly random: number
}

/** A source as its check leaves it. The one place where the outcome of a check becomes a row. */
export function decide(source: CheckedSource, finding: Finding, moment: CheckMoment): CheckedSource {
  // An earlier feedctl registered it without.
  const host = source.host ?? hostOf(source.url)
  if (finding.kind === 'postponed') return postponed({ ...source, host }, finding, moment.now)
  const asked = { ...source, host, checked_at: moment.now, checked_run: moment.runId }
  return finding.kind === 'failed' ? failed(asked, finding, moment) : succeeded(asked, finding, moment)
}

/** Not asked: neither checked nor failing. The quiet of its own host is kept with that; it is later itself when another host is what it leads to. */
function postponed(source: CheckedSource, finding: Extract<Finding, { kind: 'postponed' }>, now: number): CheckedSource {
  if (finding.host === source.host) return source
  const ms = finding.retryAfterS * 1000
  const why = [{ ...reason('host-quiet', ms), decides: true }]
  return now + ms <= source.next_check_at ? source : { ...source, next_check_at: now + ms, next_check_why: writeReasons(why) }
}

function failed(asked: CheckedSource, finding: Extract<Finding, { kind: 'failed' }>, moment: CheckMoment): CheckedSource {
  const { failure, retryAfterS, permanentUrl, finalUrl } = finding
  const failureCount = asked.failure_count + 1
  // Behind a redirect for now, it is that place which is gone.
  const isGone = failure.code === 'FEED_GONE' && (permanentUrl !== null || finalUrl === null || finalUrl === asked.url)
  const code = failure.code === 'FEED_GONE' && !isGone ? 'FEED_HTTP_STATUS' : failure.code
  const facts = { outcome: 'failed', code, failureCount, retryAfterS, cacheMaxAgeS: null } as const
  return {
    ...asked,
    ...planOf(asked, facts, rhythmOf(asked), moment),
    failure_code: failure.code,
    failure_message: failure.message.slice(0, 500),
    failure_count: failureCount,
    retired_at: isGone ? moment.now : asked.retired_at,
  }
}

function succeeded(
  asked: CheckedSource,
  finding: Extract<Finding, { kind: 'unchanged' | 'new-version' }>,
  moment: CheckMoment,
): CheckedSource {
  const isNew = finding.kind === 'new-version'
  const rhythm = isNew ? finding.rhythm : rhythmOf(asked)
  const read = isNew
    ? { changed_at: moment.now, rhythm: JSON.stringify(rhythm), notices: noticesText(finding.notices) }
    : { rhythm: asked.rhythm, notices: asked.notices }
  const changed = { ...asked, ...read, version: finding.version }
  const facts = {
    outcome: finding.kind,
    code: null,
    failureCount: 0,
    retryAfterS: null,
    cacheMaxAgeS: finding.cacheMaxAgeS,
  } as const
  return {
    ...changed,
    ...planOf(changed, facts, rhythm, moment),
    ...moveSeen(asked, finding.permanentUrl),
    etag: finding.etag,
    last_modified: finding.lastModified,
    failure_code: null,
    failure_message: null,
    failure_count: 0,
    retired_at: null,
  }
}

function planOf(
  source: CheckedSource,
  facts: Omit<CheckFacts, 'rhythm' | 'unchangedSinceMs' | 'now'>,
  rhythm: Rhythm | null,
  { now, random }: CheckMoment,
): Pick<CheckedSource, 'next_check_at' | 'next_check_why'> {
  const unchangedSinceMs = source.changed_at === null ? null : now - source.changed_at
  const { atMs, reasons } = nextCheck({ ...facts, rhythm, unchangedSinceMs, now }, random)
  // A retired source is never due; the column keeps the time that it would have had.
  return { next_check_at: atMs ?? now, next_check_why: writeReasons(reasons) }
}

/** Of the newest document that was read; null when none was, and for what an earlier feedctl wrote. */
export function rhythmOf(source: Pick<CheckedSource, 'rhythm'>): Rhythm | null {
  return source.rhythm === null ? null : (JSON.parse(source.rhythm) as Rhythm)
}

function noticesText(notices: readonly Notice[]): string | null {
  return notices.length === 0 ? null : JSON.stringify(notices)
}
