import { Failure } from '../kernel/errors.js'
import { DAY_MS, MINUTE_MS, MINUTES_PER_DAY } from './aggregate.js'

export const REPORT_GROUPS = ['day', 'post', 'kind', 'minute'] as const

export type ReportGroup = (typeof REPORT_GROUPS)[number]

export const MOST_POSTS = 1_000
const DEFAULT_POSTS = 100
/** Days times posts: each has a sketch for each kind that is read and merged. */
const MOST_SKETCHED = 40_000
const DEFAULT_DAYS = 30
const MOST_DAYS = 366
const DEFAULT_MINUTES = 60
const MINUTE_LENGTH = '2026-11-29T09:30'.length

/** What of a tenant's events is asked for. Times are whole minutes since the epoch for `minute`, else whole days, both ends included. */
export interface ReportQuery {
  readonly by: ReportGroup
  readonly from: number
  readonly to: number
  /** Only events of this post (0: of no post), and of this kind; null for all. */
  readonly post: number | null
  readonly kind: string | null
  /** Of posts, those with the most events. */
  readonly limit: number
}

/** As an operator or a client asks. */
export interface AskedReport {
  readonly by?: ReportGroup | undefined
  /** `2026-11-29`, or for minutes `2026-11-29T09:30Z`, with seconds or without. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly post?: number | undefined
  readonly kind?: string | undefined
  readonly limit?: number | undefined
}

/** The newest 30 days, or 60 minutes, where nothing else is asked. @throws {Failure} USAGE */
export function parseReport(asked: AskedReport, now: number): ReportQuery {
  const by = asked.by ?? 'day'
  const isMinutes = by === 'minute'
  const [read, unit, longest, usual] = isMinutes
    ? ([minuteOf, MINUTE_MS, MINUTES_PER_DAY, DEFAULT_MINUTES] as const)
    : ([dayOf, DAY_MS, MOST_DAYS, DEFAULT_DAYS] as const)
  const to = asked.to === undefined ? newest(asked, read, unit, usual, now) : read(asked.to)
  const from = asked.from === undefined ? to - usual + 1 : read(asked.from)
  if (from > to) throw new Failure('USAGE', '`from` is after `to`')
  if (to - from >= longest) {
    throw new Failure(
      'USAGE',
      isMinutes ? 'minutes are shown of 24 hours at most' : `at most ${MOST_DAYS} days are shown at once`,
    )
  }
  const limit = asked.limit ?? DEFAULT_POSTS
  const most = Math.floor(MOST_SKETCHED / (to - from + 1))
  if (by === 'post' && asked.post === undefined && limit > most)
    throw new Failure('USAGE', `of ${to - from + 1} days at most ${most} posts are shown at once`, {
      hint: 'fewer days, or a smaller limit',
    })
  return { by, from, to, post: asked.post ?? null, kind: asked.kind ?? null, limit }
}

/** Now; where only a beginning in the future is given, as long after it as is usual. */
function newest({ from }: AskedReport, read: (text: string) => number, unit: number, usual: number, now: number): number {
  const current = Math.floor(now / unit)
  return from === undefined || read(from) <= current ? current : read(from) + usual - 1
}

function dayOf(text: string): number {
  const day = Date.parse(`${text}T00:00:00Z`) / DAY_MS
  // A date that rolls over, as February 30, is none.
  if (/^\d{4}-\d\d-\d\d$/.test(text) && Number.isInteger(day) && dayText(day) === text) return day
  throw new Failure('USAGE', `${JSON.stringify(text.slice(0, 40))} is not a day`, { hint: 'as 2026-11-29, UTC' })
}

function minuteOf(text: string): number {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(text)
  const at = isTime ? Date.parse(text) : Number.NaN
  // A time that rolls over, as 24:00 or one of February 30, is none.
  if (Number.isFinite(at) && new Date(at).toISOString().startsWith(text.slice(0, MINUTE_LENGTH)))
    return Math.floor(at / MINUTE_MS)
  throw new Failure('USAGE', `${JSON.stringify(text.slice(0, 40))} is not a minute`, { hint: 'as 2026-11-29T09:30Z' })
}

export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

export function minuteText(minute: number): string {
  return `${new Date(minute * MINUTE_MS).toISOString().slice(0, 16)}Z`
}
