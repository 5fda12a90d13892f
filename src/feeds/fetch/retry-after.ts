/** The longest wait a publisher's `Retry-After` is granted. */
export const MAX_RETRY_AFTER_S = 7 * 24 * 3600

/** Seconds to wait as `Retry-After` says, in seconds or as an HTTP date, from 0 to `MAX_RETRY_AFTER_S`; null when it says nothing readable. */
export function retryAfterS(header: string | null, now: number): number | null {
  if (header === null) return null
  // Of a header that is there twice the first counts; a date has a comma of its own.
  const text = /^\s*\d+\s*,/.test(header) ? header.slice(0, header.indexOf(',')).trim() : header.trim()
  if (/^\d+$/.test(text)) return Math.min(Number(text), MAX_RETRY_AFTER_S)
  const at = httpDateMs(text)
  return at === null ? null : Math.min(Math.max(Math.ceil((at - now) / 1000), 0), MAX_RETRY_AFTER_S)
}

/** Milliseconds since the epoch of an HTTP date; null for anything else, bare numbers included. */
export function httpDateMs(text: string): number | null {
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null
  // The oldest of its forms names no zone and means GMT.
  const at = Date.parse(/GMT|UTC|[+-]\d{4}$/i.test(text) ? text : `${text} GMT`)
  return Number.isNaN(at) ? null : at
}
