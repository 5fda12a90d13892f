import type { Rhythm } from './document.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The longest that a feed can ask to be left alone so. */
const MAX_PUSH_MS = 7 * DAY_MS

export type SkippedTimes = Pick<Rhythm, 'skipHours' | 'skipDays'>

/** A stretch of time that a feed excludes, and where it ends: milliseconds since the epoch. */
export interface Skip {
  readonly code: 'skip-hours' | 'skip-days'
  readonly endMs: number
}

/** The stretches to be waited out one after the other from `atMs` on; none when that is a time to ask, or when a week would not bring one. */
export function skipsFrom(atMs: number, skipped: SkippedTimes): Skip[] {
  const skips: Skip[] = []
  let at = atMs
  while (at - atMs <= MAX_PUSH_MS) {
    const code = skipAt(at, skipped)
    if (code === null) return skips
    const length = code === 'skip-days' ? DAY_MS : HOUR_MS
    at = (Math.floor(at / length) + 1) * length
    if (skips.at(-1)?.code === code) skips.pop()
    skips.push({ code, endMs: at })
  }
  return []
}

/** Which rule excludes that moment; null when none does. */
export function skipAt(atMs: number, { skipHours, skipDays }: SkippedTimes): Skip['code'] | null {
  const date = new Date(atMs)
  if (skipDays.includes(date.getUTCDay())) return 'skip-days'
  return skipHours.includes(date.getUTCHours()) ? 'skip-hours' : null
}
