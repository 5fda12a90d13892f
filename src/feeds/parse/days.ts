import { monthNamed } from './month-names.js'

const DAY_MS = 86_400_000
/** Before it nothing that is kept: programs write the first years for no date, and the platform takes years below 100 for those of 1900. */
const FIRST_YEAR = 1969

/** A day, and the text around it where the time is looked for. `month` from 1. */
export interface Day {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly rest: string
  /** What stands after the day: the offset of a date without a time. */
  readonly after: string
}

const NAME = String.raw`(?<name>[a-z\u0370-\u052F]{3,12})`
const NUMBER = String.raw`(?<!\d)(?<day>\d{1,2})`
const YEAR = String.raw`(?<year>\d{4}|'?\d{2,3})(?![\d:])`
const OF = String.raw`[\s.,/-]*(?:d[eu]l?\s|of\s)?[\s.,/-]*`

/** Of texts in lower case without accents. The first that gives a day wins, so what is stricter goes first. */
const FORMS: readonly RegExp[] = [
  // 2026 Jan 31, 2026-Jan-31
  new RegExp(`^(?<year>\\d{4})[\\s.-]${NAME}[\\s.-]+${NUMBER}`),
  // 2026-01-31, 2026/1/5, 20260131, 2026-01, 2026 and what follows
  /^(?<year>\d{4})(?:([-/.])(?<month>\d{1,2})(?:\2(?<day>\d{1,2}))?)?(?=$|[^\d./-]|[+-](?:\d\d?:|\d{4}$|\d\d$))/,
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})(?=$|[^\d]|\d{4}(?:\d\d)?(?:$|\D))/,
  // 31 January 2026, 31-jan-26, 1er mars 2026, 2 de febrero de 2026
  new RegExp(`${NUMBER}(?:st|nd|rd|th|er|\\u00BA|o)?${OF}${NAME}${OF}${YEAR}`),
  // January 31, 2026
  new RegExp(`${NAME}[\\s.-]*${NUMBER}(?:st|nd|rd|th)?[\\s.,-]+${YEAR}`),
  // Jan 31 10:20:30 CET 2026
  new RegExp(`${NAME}\\s+${NUMBER}\\s(?<inside>[^/]{4,40})\\s(?<year>\\d{4})$`),
  // 02/28/2026 as in the USA; 28.02.2026 and 28-02-2026 as elsewhere
  /(?<!\d)(?<month>\d{1,2})\/(?<day>\d{1,2})\/(?<year>\d{4}|\d{2})(?!\d)/,
  /(?<!\d)(?<day>\d{1,2})([.-])\s?(?<month>\d{1,2})\2\s?(?<year>\d{4}|\d{2})(?!\d)/,
]

/** The day that a text names, in lower case and without accents; null when it names none or an impossible one. */
export function dayIn(text: string): Day | null {
  return ordinalOrWeekDay(text) ?? calendarDay(text)
}

function calendarDay(text: string): Day | null {
  for (const form of FORMS) {
    const match = form.exec(text)
    const parts = match?.groups
    if (match === null || parts === undefined) continue
    const month = parts.name === undefined ? Number(parts.month ?? 1) : monthNamed(parts.name)
    if (month === null) continue
    const after = text.slice(match.index + match[0].length)
    const rest = `${text.slice(0, match.index)} ${parts.inside ?? ''} ${after}`
    const isEither = parts.name === undefined && !/^\d{4}/.test(text)
    const day = dayOf(fullYear(parts.year ?? ''), month, Number(parts.day ?? 1), isEither)
    return day === null ? null : { ...day, rest, after }
  }
  return null
}

/** `eitherOrder`: 28/02/2026 is not American, so it is read the other way round. */
function dayOf(year: number, first: number, second: number, eitherOrder: boolean): Pick<Day, 'year' | 'month' | 'day'> | null {
  const [month, day] = eitherOrder && first > 12 ? [second, first] : [first, second]
  if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1 || day > 31) return null
  return { year, month, day: Math.min(day, new Date(Date.UTC(year, month, 0)).getUTCDate()) }
}

/** ISO 8601: 2026-W05-6 and 2026-031. */
function ordinalOrWeekDay(text: string): Day | null {
  const parts = /^(?<year>\d{4})-?(?:w(?<week>\d{2})(?:-?(?<weekday>[1-7]))?|(?<ordinal>\d{3}))(?=$|[t\sz])(?<after>.*)$/.exec(
    text,
  )?.groups
  if (parts === undefined) return null
  const { year, week, weekday = '1', ordinal, after = '' } = parts
  const january = Date.UTC(Number(year), 0, 1)
  // The 4th of January is in the first week, whose first day is Monday.
  const fourth = new Date(january + 3 * DAY_MS)
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * DAY_MS
  const days = ordinal === undefined ? (Number(week) - 1) * 7 + Number(weekday) - 1 : Number(ordinal) - 1
  if (Number(year) < FIRST_YEAR || days < 0 || days > 371) return null
  const date = new Date((ordinal === undefined ? monday : january) + days * DAY_MS)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), rest: after, after }
}

/** Two digits as most software reads them, three as RFC 2822 does: a year counted from 1900 by a program that forgot to add it. */
function fullYear(text: string): number {
  const digits = text.replace("'", '')
  const year = Number(digits)
  if (digits.length > 3) return year
  return digits.length === 2 && year < 70 ? 2000 + year : 1900 + year
}
