const MINUTE_MS = 60_000

/** First three letters in English, and in the languages that publishers write against the RFC: German, Spanish, Italian, Portuguese. */
const MONTHS: readonly (readonly string[])[] = [
  ['jan', 'ene', 'gen'],
  ['feb', 'fev'],
  ['mar', 'mär'],
  ['apr', 'abr'],
  ['may', 'mai', 'mag'],
  ['jun', 'giu'],
  ['jul', 'lug'],
  ['aug', 'ago'],
  ['sep', 'set'],
  ['oct', 'okt', 'out', 'ott'],
  ['nov'],
  ['dec', 'dez', 'dic'],
]

/** Minutes east of UTC. Ambiguous names mean what they mean in the RFC, else where most feeds that use them are. */
const ZONES: Readonly<Record<string, number>> = {
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
  akst: -540,
  akdt: -480,
  hst: -600,
  brt: -180,
  art: -180,
  wet: 0,
  west: 60,
  bst: 60,
  ist: 330,
  cet: 60,
  cest: 120,
  mez: 60,
  mesz: 120,
  met: 60,
  mest: 120,
  sast: 120,
  eet: 120,
  eest: 180,
  msk: 180,
  sgt: 480,
  hkt: 480,
  awst: 480,
  jst: 540,
  kst: 540,
  aest: 600,
  aedt: 660,
  nzst: 720,
  nzdt: 780,
}

const CLOCK = String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d+))?)?\s*(?<half>[ap]m\b)?`
const ZONE = String.raw`(?<zone>[a-z]{1,5}\b)?\s*(?<offset>[+-]\d{1,2}:?\d{2}|[+-]\d{1,2})?`
const WEEKDAY = String.raw`^(?:[a-zà-ÿ]{2,10}\.?(?:,\s*|\s+))?`

const FORMS = [
  // 2026-01-31T10:20:30Z, 20260131, 2026-01
  new RegExp(String.raw`^(?<year>\d{4})-?(?<month>\d{2})?-?(?<day>\d{2})?(?:[t\s]+${CLOCK}\s*${ZONE})?\s*$`, 'i'),
  // Sat, 31 Jan 2026 10:20:30 +0100
  new RegExp(
    String.raw`${WEEKDAY}(?<day>\d{1,2})[\s-]+(?<name>[a-zä]{3,10})\.?,?[\s-]+(?<year>\d{4}|\d{2})(?:,?\s+${CLOCK}\s*${ZONE})?`,
    'i',
  ),
  // January 31, 2026 10:20
  new RegExp(
    String.raw`${WEEKDAY}(?<name>[a-zä]{3,10})\.?\s+(?<day>\d{1,2}),?\s+(?<year>\d{4})(?:,?\s+(?:at\s+)?${CLOCK}\s*${ZONE})?`,
    'i',
  ),
  // Sat Jan 31 10:20:30 CET 2026
  new RegExp(String.raw`${WEEKDAY}(?<name>[a-zä]{3,10})\s+(?<day>\d{1,2})\s+${CLOCK}\s*${ZONE}\s+(?<year>\d{4})\s*$`, 'i'),
]

/**
 * Milliseconds since the epoch of a date as feeds write them: RFC 822 with its variants, ISO 8601, English dates. Without a zone it is UTC.
 * A date after `now` is `now`: publishers' clocks and time zones are off, and a post from next year would stay on top until then.
 * Null for what cannot be read and for dates before 1970.
 */
export function parseDate(text: string | null, now: number): number | null {
  const bare = text?.trim() ?? ''
  if (bare === '' || bare.length > 100) return null
  for (const form of FORMS) {
    const parts = form.exec(bare)?.groups
    const at = parts === undefined ? null : momentOf(parts)
    if (at !== null) return at < 0 ? null : Math.min(at, now)
  }
  return null
}

function momentOf(parts: Readonly<Record<string, string | undefined>>): number | null {
  const month = parts.name === undefined ? Number(parts.month ?? 1) - 1 : monthNamed(parts.name)
  const day = Number(parts.day ?? 1)
  const minute = Number(parts.minute ?? 0)
  const second = Math.min(Number(parts.second ?? 0), 59)
  const hour = hourOf(Number(parts.hour ?? 0), parts.half)
  if (month < 0 || month > 11 || day < 1 || day > 31 || hour > 24 || minute > 59) return null
  const milliseconds = Math.floor(Number(`0.${parts.fraction ?? 0}`) * 1000)
  const local = Date.UTC(fullYear(parts.year ?? ''), month, day, hour, minute, second, milliseconds)
  return local - (zoneMinutes(parts.zone) + offsetMinutes(parts.offset)) * MINUTE_MS
}

function monthNamed(name: string): number {
  const start = name.slice(0, 3).toLowerCase()
  return MONTHS.findIndex(names => names.includes(start))
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined) return hour
  return (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
}

function fullYear(text: string): number {
  const year = Number(text)
  if (text.length > 2) return year
  return year < 70 ? 2000 + year : 1900 + year
}

/** A name that is not known counts as UTC. */
function zoneMinutes(zone: string | undefined): number {
  return ZONES[zone?.toLowerCase() ?? ''] ?? 0
}

function offsetMinutes(offset: string | undefined): number {
  if (offset === undefined) return 0
  const digits = offset.slice(1).replace(':', '')
  const [hours, minutes] = digits.length <= 2 ? [digits, '0'] : [digits.slice(0, -2), digits.slice(-2)]
  return (offset.startsWith('-') ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}
