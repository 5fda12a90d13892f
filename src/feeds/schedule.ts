import type { FailureCode } from '../kernel/errors.js'
import type { Rhythm } from './document.js'
import { type Reason, type ReasonCode, reason } from './schedule-reasons.js'
import { skipAt, skipsFrom } from './skipped-times.js'

export { type Reason, type ReasonCode, readReasons, writeReasons } from './schedule-reasons.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const MAX_INTERVAL_MS = 24 * HOUR_MS
/** A publisher who names a time means it: honoured beyond what feedctl would wait by itself. */
const MAX_RETRY_AFTER_MS = 7 * 24 * HOUR_MS
/** No check asks for more: a week by Retry-After, another one of days that the feed excludes, and the jitter. */
export const LONGEST_WAIT_MS = 16 * 24 * HOUR_MS
const DEFAULT_INTERVAL_MS = 30 * MINUTE_MS
const POSTING_RATE_MS = { least: 10 * MINUTE_MS, most: 12 * HOUR_MS }
const POLLS_PER_POST = 2
/** A feed is asked ten times in the time it has been silent: after ten days once a day. */
const POLLS_PER_SILENCE = 10
const FIRST_BACKOFF_MS = { backoff: 5 * MINUTE_MS, limited: 15 * MINUTE_MS, challenged: 6 * HOUR_MS }

/** What one check of a source says about when to check it next. */
export interface CheckFacts {
  readonly outcome: 'new-version' | 'unchanged' | 'failed'
  /** Failures in a row, this one included; 0 after a success. */
  readonly failureCount: number
  /** Why it failed; null when it did not. */
  readonly code: FailureCode | null
  /** Seconds the publisher of a failure asks to wait (Retry-After); null when it does not. */
  readonly retryAfterS: number | null
  /** Freshness the answer states (Cache-Control, Expires), seconds; null when it states none. */
  readonly cacheMaxAgeS: number | null
  /** Of the newest document that was read, by this check or an earlier one; null before the first. */
  readonly rhythm: Rhythm | null
  /** How long ago the source last changed; null when unknown. */
  readonly unchangedSinceMs: number | null
  /** When the check was made. */
  readonly now: number
}

export interface NextCheck {
  /** Milliseconds since the epoch; null when the source is not to be asked again. */
  readonly atMs: number | null
  /** All that was weighed, in this order: wishes, the bound, excluded times, jitter. Exactly one decides. */
  readonly reasons: readonly Reason[]
}

/** Whether that time has come; one so far off that only a wrong clock can have named it has. */
export function isDue(atMs: number, now: number): boolean {
  return atMs <= now || atMs > now + LONGEST_WAIT_MS
}

/**
 * When to check a source next, and why then. After a success it is the longest of what the feed and the answer ask for and of what its posts show;
 * after a failure it doubles from minutes to a day, at least Retry-After. At most 24 h (7 days by Retry-After), then moved out of the
 * hours and days the feed excludes, then up to 10 % later by `random` (0 to 1).
 */
export function nextCheck(facts: CheckFacts, random: number): NextCheck {
  if (facts.outcome === 'failed' && facts.code === 'FEED_GONE')
    return { atMs: null, reasons: [{ ...reason('gone', 0), decides: true }] }
  const reasons = facts.outcome === 'failed' ? afterFailure(facts) : afterSuccess(facts)
  let decisive = longestOf(reasons)
  const mostMs = decisive.code === 'retry-after' ? MAX_RETRY_AFTER_MS : MAX_INTERVAL_MS
  if (decisive.ms > mostMs) {
    decisive = reason('maximum', mostMs)
    reasons.push(decisive)
  }
  const waitMs = decisive.ms
  let atMs = facts.now + waitMs
  for (const { code, endMs } of facts.rhythm === null ? [] : skipsFrom(atMs, facts.rhythm)) {
    atMs = endMs
    decisive = reason(code, atMs - facts.now)
    reasons.push(decisive)
  }
  const jitterMs = Math.round((waitMs * random) / 10)
  if (jitterMs > 0 && (facts.rhythm === null || skipAt(atMs + jitterMs, facts.rhythm) === null)) {
    atMs += jitterMs
    reasons.push(reason('jitter', jitterMs))
  }
  return { atMs, reasons: reasons.map(one => (one === decisive ? { ...one, decides: true } : one)) }
}

function afterSuccess({ rhythm, cacheMaxAgeS, outcome, unchangedSinceMs }: CheckFacts): Reason[] {
  const reasons = [
    ...asked('ttl', rhythm?.ttlMinutes, MINUTE_MS),
    ...asked('update-period', rhythm?.updateMinutes, MINUTE_MS),
    ...asked('cache', cacheMaxAgeS, 1000),
  ]
  const gapMs = rhythm?.postIntervalMs ?? null
  if (gapMs !== null)
    reasons.push(reason('posting-rate', Math.min(POSTING_RATE_MS.most, Math.max(POSTING_RATE_MS.least, gapMs / POLLS_PER_POST))))
  if (outcome === 'unchanged' && unchangedSinceMs !== null)
    reasons.push(...asked('quiet', Math.min(MAX_INTERVAL_MS, unchangedSinceMs / POLLS_PER_SILENCE), 1))
  if (gapMs === null) reasons.push(reason('default', DEFAULT_INTERVAL_MS))
  return reasons
}

function afterFailure({ code, failureCount, retryAfterS }: CheckFacts): Reason[] {
  const kind = code === 'FEED_CHALLENGED' ? 'challenged' : code === 'FEED_LIMITED' && retryAfterS === null ? 'limited' : 'backoff'
  const doublings = Math.min(20, Math.max(0, failureCount - 1))
  const waitMs = Math.min(MAX_INTERVAL_MS, FIRST_BACKOFF_MS[kind] * 2 ** doublings)
  return [reason(kind, waitMs), ...asked('retry-after', retryAfterS, 1000)]
}

/** None when nobody asked; a wish for nothing is none. */
function asked(code: ReasonCode, amount: number | null | undefined, unitMs: number): Reason[] {
  return amount !== null && amount !== undefined && amount > 0 ? [reason(code, amount * unitMs)] : []
}

/** The first of the longest. */
function longestOf(reasons: readonly Reason[]): Reason {
  return reasons.reduce((longest, one) => (one.ms > longest.ms ? one : longest))
}
