const MINUTE_MS = 60_000
const MIN_INTERVAL_MS = 5 * MINUTE_MS
const MAX_INTERVAL_MS = 24 * 60 * MINUTE_MS
const DEFAULT_INTERVAL_MS = 30 * MINUTE_MS

/** What one check of a source says about when to check it next. */
export interface CheckFacts {
  /** Failures in a row, this one included; 0 after a success. */
  readonly failureCount: number
  /** Seconds the publisher asks to wait (Retry-After); null when it does not. */
  readonly retryAfterS: number | null
  /** Freshness the response states (Cache-Control, Expires), seconds. */
  readonly cacheMaxAgeS: number | null
  /** Minutes the document states (`<ttl>`). */
  readonly ttlMinutes: number | null
  /** The publisher said the feed is gone for good (410). */
  readonly gone: boolean
}

/**
 * Ms from a check to the next: after a success the longest of the default, `ttl` and the response's freshness; after a failure
 * doubling from the minimum, at least Retry-After. Always within 5 minutes and 24 hours, then up to 10 % later by `random` (0 to 1),
 * so that sources do not bunch.
 */
export function nextCheckInMs(facts: CheckFacts, random: number): number {
  return Math.round(Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, wishedMs(facts))) * (1 + random / 10))
}

function wishedMs(facts: CheckFacts): number {
  if (facts.gone) return MAX_INTERVAL_MS
  if (facts.failureCount > 0)
    return Math.max((facts.retryAfterS ?? 0) * 1000, MIN_INTERVAL_MS * 2 ** Math.min(20, facts.failureCount - 1))
  return Math.max(DEFAULT_INTERVAL_MS, (facts.cacheMaxAgeS ?? 0) * 1000, (facts.ttlMinutes ?? 0) * MINUTE_MS)
}
