import { Failure } from '../kernel/errors.js'

const UNITS = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const
const TRY = '--bwlimit 10M, --bwlimit off, or a timetable: --bwlimit "08:00,512k 19:00,10M 23:00,off"'
const DAY_MINUTES = 1440
/** What may be sent at once after a pause, as a time. */
const BURST_MS = 250

/** From a minute of the day on, in the machine's local time, so many bytes a second; null for as many as there are. */
export interface RateEntry {
  readonly fromMinute: number
  readonly bytesPerS: number | null
}

/** In the order of the day; at least one. The last entry also counts from midnight to the first. */
export type Timetable = readonly [RateEntry, ...RateEntry[]]

/** Reads `10M` (MiB/s), `512k`, `off`, or a timetable such as `08:00,512k 19:00,10M 23:00,off`. @throws {Failure} USAGE */
export function parseTimetable(text: string): Timetable {
  const words = text.trim().split(/\s+/)
  const [only = ''] = words
  if (words.length === 1 && !only.includes(',')) return [{ fromMinute: 0, bytesPerS: parseRate(only) }]
  const entries = words.map(parseEntry).sort((a, b) => a.fromMinute - b.fromMinute)
  const twice = entries.find((entry, index) => entry.fromMinute === entries[index - 1]?.fromMinute)
  if (twice !== undefined) throw usage(`it has two rates from ${clockWords(twice.fromMinute)} on`, text)
  return entries as [RateEntry, ...RateEntry[]]
}

/**
 * The rate at a moment. The wall clock of that moment counts, whatever it jumped over or shows twice when summer time begins or ends.
 * @param now epoch ms
 */
export function rateAt(timetable: Timetable, now: number): number | null {
  const wall = new Date(now)
  const minute = wall.getHours() * 60 + wall.getMinutes()
  const entry = timetable.findLast(({ fromMinute }) => fromMinute <= minute) ?? timetable.at(-1)
  return (entry as RateEntry).bytesPerS
}

/** How many bytes may go: what was sent too early, bytes, at a moment of a clock that never goes back. */
export interface TokenBucket {
  /** Below 0: what was saved in a pause. */
  readonly debtBytes: number
  readonly at: number
}

/** After some time at a rate; null for no limit. */
export function refill(bucket: TokenBucket, bytesPerS: number | null, now: number): TokenBucket {
  if (bytesPerS === null) return { debtBytes: 0, at: now }
  const paid = (bytesPerS * (now - bucket.at)) / 1000
  return { debtBytes: Math.max(bucket.debtBytes - paid, (-bytesPerS * BURST_MS) / 1000), at: now }
}

/** How long the next bytes wait, ms; 0 when they may go. */
export function waitOf(bucket: TokenBucket, bytesPerS: number | null): number {
  return bytesPerS === null ? 0 : Math.max(0, (bucket.debtBytes / bytesPerS) * 1000)
}

export function spend(bucket: TokenBucket, bytes: number): TokenBucket {
  return { ...bucket, debtBytes: bucket.debtBytes + bytes }
}

/** `off` or `512.0 KiB/s`. */
export function rateWords(bytesPerS: number | null): string {
  if (bytesPerS === null) return 'off'
  const [unit, size] = Object.entries(UNITS).findLast(([, least]) => bytesPerS >= least) ?? ['B', 1]
  return unit === 'B' ? `${bytesPerS} B/s` : `${(bytesPerS / size).toFixed(1)} ${unit}iB/s`
}

function parseEntry(word: string): RateEntry {
  const [, hours, minutes, rate] = /^(\d{1,2}):(\d{2}),(.+)$/.exec(word) ?? []
  const fromMinute = Number(hours) * 60 + Number(minutes)
  if (rate === undefined || Number(minutes) > 59 || fromMinute >= DAY_MINUTES)
    throw usage('an entry is not a time of the day and a rate', word)
  return { fromMinute, bytesPerS: parseRate(rate) }
}

function parseRate(word: string): number | null {
  if (/^off$/i.test(word)) return null
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([BKMG])$/i.exec(word) ?? []
  const rate = Math.floor(Number(amount) * UNITS[(unit ?? '').toUpperCase() as keyof typeof UNITS])
  if (Number.isSafeInteger(rate) && rate >= UNITS.K) return rate
  throw usage(amount === undefined ? 'a rate is a number and B, k, M or G' : 'a rate is 1k or more', word)
}

function clockWords(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

function usage(fault: string, text: string): Failure {
  return new Failure('USAGE', `--bwlimit ${JSON.stringify(text)}: ${fault}`, { hint: TRY })
}
