/** What is wrong with a value, to be read behind its column's name; null when nothing is. */
export type Rule = (value: unknown) => string | null

const TEXT_BYTES = 65_535
const LONG_TEXT_BYTES = 16_777_215

/** Columns as the tables of MySQL have them, the narrower of the two: what is kept by these rules fits every database. */
export const integer: Rule = value => (Number.isSafeInteger(value) ? null : 'is no whole number')

export const id: Rule = value => (Number.isSafeInteger(value) && (value as number) > 0 ? null : 'is no id')

export function text(maxBytes = TEXT_BYTES): Rule {
  return value => {
    if (typeof value !== 'string') return 'is no text'
    if (/[\0\p{Surrogate}]/u.test(value)) return 'holds a NUL, or half a character'
    return value.length * 3 <= maxBytes || Buffer.byteLength(value) <= maxBytes ? null : `is longer than ${maxBytes} bytes`
  }
}

export const longText = text(LONG_TEXT_BYTES)

/** Text of a form that is not told apart by case or padding on any database. */
export function matching(form: RegExp): Rule {
  return value => (typeof value === 'string' && form.test(value) ? null : 'is not of its form')
}

export const hash22 = matching(/^[\w-]{22}$/)
export const word = matching(/^[!-~]{1,32}$/)

export function oneOf(...words: readonly string[]): Rule {
  return value => (typeof value === 'string' && words.includes(value) ? null : `is none of ${words.join(', ')}`)
}

export function webUrl(maxBytes = TEXT_BYTES): Rule {
  const fits = text(maxBytes)
  return value => fits(value) ?? (/^https?:\/\/[^\s]/.test(value as string) ? null : 'is no http(s) URL')
}

/** JSON whose value passes. */
export function json(passes: (value: unknown) => boolean, maxBytes = TEXT_BYTES): Rule {
  const fits = text(maxBytes)
  return value => fits(value) ?? (passes(parsed(value as string)) ? null : 'is not the JSON of its kind')
}

export const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(part => typeof part === 'string')

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Enclosures of a post, as the API shows them. */
export const isEnclosures = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    part =>
      isObject(part) &&
      typeof part.url === 'string' &&
      (part.type === null || typeof part.type === 'string') &&
      (part.bytes === null || Number.isSafeInteger(part.bytes)),
  )

/** Bytes, which a file has as base64. */
export function bytes(maxBytes: number): Rule {
  return value => {
    if (!(value instanceof Uint8Array)) return 'is no base64'
    return value.byteLength <= maxBytes ? null : `is longer than ${maxBytes} bytes`
  }
}

export function orNull(rule: Rule): Rule {
  return value => (value === null ? null : rule(value))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
