import { httpDateMs } from './retry-after.js'

/** The longest freshness that is believed, seconds. */
const MAX_AGE_S = 7 * 24 * 3600

/** Seconds a response asks to be left alone: `max-age` of Cache-Control, else Expires; null when it does not say or forbids caching. */
export function cacheMaxAgeS(cacheControl: string | null, expires: string | null, now: number): number | null {
  const directives = (cacheControl ?? '').toLowerCase()
  if (/(^|[\s,])no-(store|cache)(?=$|[\s,])/.test(directives)) return null
  const maxAge = /(?:^|[\s,])max-age\s*=\s*"?(\d+)/.exec(directives)
  if (maxAge !== null) return Math.min(Number(maxAge[1]), MAX_AGE_S)
  const until = expires === null ? null : httpDateMs(expires.trim())
  return until === null || until <= now ? null : Math.min(Math.ceil((until - now) / 1000), MAX_AGE_S)
}
