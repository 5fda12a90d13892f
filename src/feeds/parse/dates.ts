import { type Day, dayIn } from './days.js'
import { zoneMinutesOf } from './time-zones.js'

const MAX_CHARS = 100
const MINUTE_MS = 60_000

/** What most feeds write, of which the platform's fast parser is sure: nothing that does not exist or is cut short, and no year that it takes for one of two digits. */
const PLAIN =
  /^(?:(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)|[A-Z][a-z]{2}, (?:0?[1-9]|1\d|2[0-8]) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?:19[7-9]\d|[2-9]\d{3}) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d (?:GMT|[+-](?:0\d|1[0-4])[0-5]\d))$/

/**
 * Milliseconds since the epoch of a date as feeds write them: RFC 822 with its variants, ISO 8601, Unix time, and what publishers write in words,
 * in the languages of `month-names.ts`. Without a zone it is UTC. A date after `now` is `now`: publishers' clocks and time zones are off, and a
 * post from next year would stay on top until then. A day that its month lacks, up to 31, is the last one of it.
 * Null for what cannot be read and for dates before 1970.
 */
export function parseDate(text: string | null, now: number): number | null {
  if (text === null || text.length > MAX_CHARS * 2) return null
  const plain = text.trim()
  if (PLAIN.test(plain)) return clamped(Date.parse(plain), now)
  const bare = plainWords(text)
  if (bare === '' || bare.length > MAX_CHARS) return null
  const at = unixTime(bare) ?? momentOf(bare)
  return at === null ? null : clamped(at, now)
}

/** The first of these texts that can be read as a date, as `parseDate` gives it; null when none can. */
export function firstMoment(texts: readonly string[], now: number): number | null {
  for (const text of texts) {
    const at = parseDate(text, now)
    if (at !== null) return at
  }
  return null
}

function clamped(at: number, now: number): number | null {
  return at < 0 ? null : Math.min(at, now)
}

const CJK_DAY = /^\D{0,8}(\d{4})\s?\u5E74\s?(\d{1,2})\s?\u6708\s?(\d{1,2})\s?\u65E5(.*)$/
/** Year, month and day in Korean, which normalising would take apart into letters. */
const HANGUL_UNITS: Readonly<Record<string, string>> = { '\uB144': '\u5E74', '\uC6D4': '\u6708', '\uC77C': '\u65E5' }

/** Lower case, no accents, single spaces; CJK dates with the separators of ISO. */
function plainWords(text: string): string {
  if (/^\p{ASCII}*$/u.test(text)) return singleSpaced(text.toLowerCase())
  const words = singleSpaced(
    text
      .replace(/[\uB144\uC6D4\uC77C]/g, unit => HANGUL_UNITS[unit] ?? unit)
      .replace(/\uC624\uD6C4/, '\u5348\u5F8C')
      .normalize('NFKD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase()
      .replaceAll('\u0142', 'l'),
  )
  const [, year, month, day, rest = ''] = CJK_DAY.exec(words) ?? []
  if (year === undefined) return words
  const isAfternoon = /\u5348\u5F8C|\u4E0B\u5348/.test(rest)
  return `${year}-${month}-${day} ${rest}${isAfternoon ? ' pm' : ''}`
}

function singleSpaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

/** Seconds, milliseconds, or null. Twelve and fourteen digits are a date and a time without separators. */
function unixTime(text: string): number | null {
  const [, seconds, milliseconds] = /^@?(?:(\d{9,10})(?:\.\d+)?|(\d{13}))$/.exec(text) ?? []
  if (seconds !== undefined) return Number(seconds) * 1000
  return milliseconds === undefined ? null : Number(milliseconds)
}

function momentOf(text: string): number | null {
  const day = dayIn(text)
  if (day === null) return null
  const time = timeIn(day)
  return time === null ? null : Date.UTC(day.year, day.month - 1, day.day) + time
}

const CLOCKS: readonly RegExp[] = [
  /(?<!\d)(?<hour>\d{1,2})[:.h](?<minute>\d{2})(?!\d)(?:[:.m](?<second>\d{2})(?!\d)(?:[.,](?<fraction>\d+))?)?\s?(?<half>[ap]\.? ?m\b\.?)?/,
  /(?<!\d)(?<hour>\d{1,2})\s?(?:(?<half>[ap]\.? ?m\b\.?)|uhr\b|h\b|heures?\b|horas?\b)/,
  /^\s*t?(?<hour>\d{2})(?<minute>\d{2})?(?<second>\d{2})?(?:[.,](?<fraction>\d+))?(?=$|[a-z\s+-])/,
]

/** Milliseconds from midnight UTC; null for a time that no clock shows. Without a time it is midnight. */
function timeIn({ rest, after }: Day): number | null {
  if (/^\s?[+-]\d\d?:?\d\d$/.test(after)) return -zoneMinutesOf(after) * MINUTE_MS
  const clock = firstMatch(rest)
  if (clock === null) return 0
  const { minute: minutes = '0', second: seconds = '0', fraction = '0', half } = clock.groups ?? {}
  const behind = rest.slice(clock.index + clock[0].length)
  const hour = hourOf(Number(clock.groups?.hour), half ?? / pm$/.exec(behind)?.[0].trim())
  const minute = Number(minutes)
  const second = Math.min(Number(seconds), 59)
  if (hour > 24 || minute > 59 || (hour === 24 && minute + second > 0)) return null
  const milliseconds = Math.floor(Number(`0.${fraction}`) * 1000)
  return (hour * 60 + minute - zoneMinutesOf(behind)) * MINUTE_MS + second * 1000 + milliseconds
}

function firstMatch(text: string): RegExpExecArray | null {
  for (const clock of CLOCKS) {
    const match = clock.exec(text)
    if (match !== null) return match
  }
  return null
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined || hour > 12) return hour
  return (hour % 12) + (half.startsWith('p') ? 12 : 0)
}
