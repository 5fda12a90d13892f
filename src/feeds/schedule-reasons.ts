/** Why a check is due when it is, in words that fit a table of 80 columns. */
export const REASON_WORDS = {
  ttl: 'the feed asks for it (ttl)',
  'update-period': 'the feed says so (sy:updatePeriod)',
  cache: 'the answer stays fresh (Cache-Control, Expires)',
  'posting-rate': 'half the gap between posts, 10 min to 12 h',
  quiet: 'a tenth of its silence, 24 h at most',
  default: 'nothing is known about how often it changes',
  backoff: 'it failed: 5 min, doubling to 24 h',
  limited: 'it limits requests: 15 min, doubling to 24 h',
  challenged: 'it challenges bots: 6 h, doubling to 24 h',
  'retry-after': 'the publisher asks for it (Retry-After)',
  'host-quiet': 'its host asks for it, for all feeds (Retry-After)',
  gone: 'gone for good (HTTP 410): not asked again',
  maximum: 'the longest that is waited',
  'skip-hours': 'the feed excludes the hours before (skipHours)',
  'skip-days': 'the feed excludes the days before (skipDays)',
  jitter: 'added, so that sources do not bunch',
} as const

export type ReasonCode = keyof typeof REASON_WORDS

/** One thing that was weighed when the time of the next check was chosen. */
export interface Reason {
  readonly code: ReasonCode
  /** The wait it asks for, from the check on; for `jitter` what it adds; 0 for `gone`. */
  readonly ms: number
  readonly words: string
  /** True for exactly one of the reasons of a check. */
  readonly decides: boolean
}

export function reason(code: ReasonCode, ms: number): Reason {
  return { code, ms: Math.round(ms), words: REASON_WORDS[code], decides: false }
}

/** The reasons as a source row keeps them: their words are said again when they are read. */
export function writeReasons(reasons: readonly Reason[]): string {
  return JSON.stringify(reasons.map(({ code, ms, decides }) => (decides ? [code, ms, 1] : [code, ms])))
}

/** None when the row keeps none, or something else. */
export function readReasons(json: string | null): Reason[] {
  if (json === null) return []
  try {
    const kept: unknown = JSON.parse(json)
    return Array.isArray(kept) ? kept.flatMap(reasonIn) : []
  } catch {
    return []
  }
}

function reasonIn(kept: unknown): Reason[] {
  if (!Array.isArray(kept)) return []
  const [code, ms, decides] = kept as unknown[]
  if (typeof code !== 'string' || typeof ms !== 'number' || !Object.hasOwn(REASON_WORDS, code)) return []
  return [{ ...reason(code as ReasonCode, ms), decides: decides === 1 }]
}
