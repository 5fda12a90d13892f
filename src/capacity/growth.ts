import { counted } from './words.js'

const WEEK_MS = 604_800_000
/** Less says more of single customers than of growth. */
const LEAST_WEEKS = 2
const MOST_WEEKS = 8
const LEAST_TENANTS = 10
/** Ten years: of later, growth of some weeks says nothing. */
const MOST_WEEKS_AHEAD = 520

/** Tenants by when they came and went. */
export interface TenantHistory {
  /** When the oldest tenant that is known came, epoch ms; null without any. */
  readonly since: number | null
  readonly now: number
  /** How many there were at that time, those that were removed since included. */
  readonly before: number
}

/** How tenants grow; compound. */
export interface Growth {
  /** 0.1 is a tenth more each week; null while it is not known. */
  readonly perWeek: number | null
  readonly source: 'measured' | 'given' | 'unknown'
  /** Where it comes from, or why it is not known. */
  readonly why: string
}

/** Whole weeks that growth can be measured over; 0 for too few. */
export function weeksOfHistory(since: number | null, now: number): number {
  const weeks = since === null ? 0 : Math.floor((now - since) / WEEK_MS)
  return weeks < LEAST_WEEKS ? 0 : Math.min(weeks, MOST_WEEKS)
}

/** When that many weeks ago was. */
export function weeksBefore(now: number, weeks: number): number {
  return now - weeks * WEEK_MS
}

/** @param history of so many weeks, as `weeksOfHistory` says */
export function measuredGrowth({ since, now, before }: TenantHistory, weeks: number): Growth {
  const unknown = (why: string): Growth => ({ perWeek: null, source: 'unknown', why })
  if (since === null) return unknown('there is no tenant yet')
  if (weeks === 0) return unknown(`the oldest tenant is younger than ${LEAST_WEEKS} weeks`)
  if (before < LEAST_TENANTS || now === 0)
    return unknown(
      `there were ${counted(before, 'tenant')} ${weeks} weeks ago: of fewer than ${LEAST_TENANTS}, growth says nothing`,
    )
  return {
    perWeek: (now / before) ** (1 / weeks) - 1,
    source: 'measured',
    why: `${counted(before, 'tenant')} ${weeks} weeks ago, ${now} now, removed ones counted while they were there`,
  }
}

export function givenGrowth(perWeek: number): Growth {
  return { perWeek, source: 'given', why: '--growth' }
}

/** Weeks until that share is 1, growing from now on; `why` where that is never, or nobody can say. */
export function weeksUntilFull(
  used: number,
  { perWeek }: Growth,
): { readonly weeks: number | null; readonly why: string | null } {
  const never = (why: string) => ({ weeks: null, why })
  if (used >= 1) return { weeks: 0, why: null }
  if (perWeek === null) return never('growth is not known yet')
  if (used <= 0) return never('nothing is used yet')
  if (perWeek <= 0) return never('not at this growth')
  const weeks = Math.log(1 / used) / Math.log(1 + perWeek)
  return weeks > MOST_WEEKS_AHEAD ? never('not within ten years at this growth') : { weeks, why: null }
}
