const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const
const [ZERO, DASH, COLON, DOT, PLUS, UPPER_T, UPPER_Z] = [48, 45, 58, 46, 43, 84, 90] as const
const MINUTE_MS = 60_000

/**
 * Epoch ms of `2026-11-29T12:00:00Z`, with or without a fraction of up to nine digits, or with an offset (`+01:00`) in place of the `Z`; NaN for anything else.
 * By hand: `Date.parse` reads a dozen other formats, and in local time.
 */
export function isoTime(text: string): number {
  const { length } = text
  if (length < 20 || length > 35 || text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return Number.NaN
  if (text.charCodeAt(10) !== UPPER_T || text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return Number.NaN
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  const [hour, minute, second] = [two(text, 11), two(text, 14), two(text, 17)]
  // Comparisons with NaN are false.
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= lastDay(year, month))) return Number.NaN
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN
  const time = daysBefore(year, month, day) * 86_400_000 + hour * 3_600_000 + minute * MINUTE_MS + second * 1000
  const zoneAt = afterFraction(text, 19)
  return time + fraction(text, zoneAt) - zoneMs(text, zoneAt)
}

/** Place of what follows the fraction that may begin at the place. */
function afterFraction(text: string, at: number): number {
  if (text.charCodeAt(at) !== DOT) return at
  let end = at + 1
  while (isDigit(text.charCodeAt(end))) end++
  return end
}

/** Whole ms; NaN for a fraction without digits, or with too many. */
function fraction(text: string, end: number): number {
  const digits = end - 20
  if (digits < 0) return 0
  if (digits === 0 || digits > 9) return Number.NaN
  let ms = 0
  for (let place = 0; place < 3; place++) ms = ms * 10 + (place < digits ? text.charCodeAt(20 + place) - ZERO : 0)
  return ms
}

function zoneMs(text: string, at: number): number {
  const sign = text.charCodeAt(at)
  if (sign === UPPER_Z) return text.length === at + 1 ? 0 : Number.NaN
  if ((sign !== PLUS && sign !== DASH) || text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) return Number.NaN
  const [hours, minutes] = [two(text, at + 1), two(text, at + 4)]
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN
  const ms = (hours * 60 + minutes) * MINUTE_MS
  return sign === PLUS ? ms : -ms
}

function two(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at), text.charCodeAt(at + 1)]
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : Number.NaN
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 57
}

function lastDay(year: number, month: number): number {
  const leaps = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return leaps ? 29 : (DAYS_IN_MONTH[month - 1] as number)
}

/** Days from 1970-01-01, as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms". */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}
