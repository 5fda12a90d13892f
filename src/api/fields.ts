import { z } from 'zod'

/** Ids have 15 digits at most. */
export const MAX_ID = 999_999_999_999_999
const MAX_TEXT_CHARS = 100
/** A day, or a moment with its zone. */
const ISO_8601 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/
/** A year that ISO 8601 writes with four digits. */
const LATEST_MS = 253_402_300_799_999

/** The id of a post, feed or file, in a path or query. */
export const ID = whole(1, MAX_ID).meta({ description: 'As lists give it.' })

/** `/:id` */
export const BY_ID = z.strictObject({ id: ID })

/** For routes that take no query: what they do not know is refused, as elsewhere. */
export const NO_QUERY = z.strictObject({})

/** How many of a list a page has. */
export function pageSize(most: number, usual: number) {
  return whole(1, most)
    .default(usual)
    .meta({ description: `How many at most; ${usual} unless it is said.` })
}

/** A moment in a query, as epoch ms. */
export const INSTANT = z
  .string()
  .transform((text, context) => {
    const ms = /^-?\d{1,15}$/.test(text) ? Number(text) : ISO_8601.test(text) ? Date.parse(text) : Number.NaN
    if (Math.abs(ms) <= LATEST_MS) return ms
    context.addIssue('is no moment: write 2026-11-29, 2026-11-29T08:30:00Z or milliseconds since 1970')
    return z.NEVER
  })
  .meta({
    description:
      'A day (`2026-11-29`, UTC), ISO 8601 with its zone (`2026-11-29T08:30:00Z`), or ms since 1970 (`1795941000000`).',
  })

/** Words in a query. */
export const TEXT = z
  .string()
  .trim()
  .min(1)
  .max(MAX_TEXT_CHARS)
  .regex(/^\P{Cc}*$/u, 'has control characters')

/** A moment in an answer. */
export const TIME = z.string().meta({ format: 'date-time', examples: ['2026-11-29T08:30:00.000Z'] })

/** Null stays null. */
export function timeOf(ms: number): string
export function timeOf(ms: number | null): string | null
export function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** A whole number in a path or query. Digits only: neither `1e3` nor ` 7` nor ``. */
export function whole(least: number, most: number) {
  const error = most === MAX_ID ? `is no whole number from ${least} on` : `is no whole number from ${least} to ${most}`
  const read = (text: unknown) => (typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text)
  return z.preprocess(read, z.int(error).min(least, error).max(most, error))
}
