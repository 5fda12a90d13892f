const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** After the first attempt, the second, and so on; after the last, none follows. */
const WAITS_MS = [10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS]
/** Another attempt finds the same. */
const FOR_GOOD: ReadonlySet<string> = new Set(['MEDIA_GONE', 'MEDIA_REDIRECTS', 'URL_INVALID'])
/** Once more, and not soon: a name may have been resolved wrongly, by a captive portal or a resolver that was being repaired. */
const REFUSED_WAIT_MS = 24 * HOUR_MS

/** When what has failed so many times in a row is tried again, epoch ms; null for never. `retryAfterS`: what the publisher asks for, null for nothing. */
export function nextAttemptAt(attempts: number, code: string, retryAfterS: number | null, now: number): number | null {
  if (code === 'ADDRESS_REFUSED') return attempts === 1 ? now + REFUSED_WAIT_MS : null
  const waitMs = WAITS_MS[attempts - 1]
  if (waitMs === undefined || FOR_GOOD.has(code)) return null
  return now + Math.max(waitMs, (retryAfterS ?? 0) * 1000)
}
