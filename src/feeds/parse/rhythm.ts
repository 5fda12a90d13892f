import type { DocumentPost } from '../document.js'
import type { AskedRhythm } from './published.js'
import { childrenOf, firstPlain, plainTexts } from './xml-node.js'

export const NO_RHYTHM: AskedRhythm = { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [] }

const MAX_TTL_MINUTES = 7 * 24 * 60
const MAX_UPDATE_MINUTES = 366 * 24 * 60
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const PERIOD_MINUTES: Readonly<Record<string, number>> = {
  hourly: 60,
  daily: 24 * 60,
  weekly: 7 * 24 * 60,
  monthly: 30 * 24 * 60,
  yearly: 365 * 24 * 60,
}
/** Posts, the newest, whose dates are looked at. */
const DATED_POSTS = 20

/** Read from the elements in which publishers put it: the channel, the feed, the root. */
export function askedRhythm(places: readonly unknown[]): AskedRhythm {
  const text = (name: string) => places.reduce<string | null>((found, place) => found ?? firstPlain(place, name), null)
  return {
    ttlMinutes: ttlOf(text('ttl')),
    updateMinutes: updateMinutesOf(text('sy:updatePeriod'), text('sy:updateFrequency')),
    skipHours: skipped(places, 'skipHours', 'hour', hourOf, 24),
    skipDays: skipped(places, 'skipDays', 'day', dayOf, 7),
  }
}

/** Median ms between the newest dated posts; null with fewer than three of them. */
export function postInterval(posts: readonly DocumentPost[]): number | null {
  const dates = posts.flatMap(post => post.publishedAt ?? [])
  const newest = dates.sort((one, other) => other - one).slice(0, DATED_POSTS)
  if (newest.length < 3) return null
  const gaps = newest.slice(1).map((date, index) => (newest[index] ?? date) - date)
  gaps.sort((one, other) => one - other)
  const middle = gaps.length / 2
  return Math.round(((gaps[Math.ceil(middle) - 1] ?? 0) + (gaps[Math.floor(middle)] ?? 0)) / 2)
}

function ttlOf(text: string | null): number | null {
  const minutes = text !== null && /^\d{1,9}$/.test(text) ? Number(text) : 0
  return minutes > 0 ? Math.min(minutes, MAX_TTL_MINUTES) : null
}

/** The RSS syndication module: daily unless a period is named, once in it unless a frequency is. */
function updateMinutesOf(period: string | null, frequency: string | null): number | null {
  if (period === null && frequency === null) return null
  const minutes = PERIOD_MINUTES[(period ?? 'daily').toLowerCase()]
  const times = frequency === null || !/^\d{1,6}$/.test(frequency) ? 1 : Math.max(1, Number(frequency))
  return minutes === undefined ? null : Math.min(MAX_UPDATE_MINUTES, Math.max(1, Math.round(minutes / times)))
}

/** Sorted; none when all are skipped, which nobody means. */
function skipped(
  places: readonly unknown[],
  list: string,
  name: string,
  read: (text: string) => number | null,
  all: number,
): number[] {
  const values = new Set<number>()
  for (const place of places) {
    const lists = childrenOf(place, list)
    const texts = [
      ...lists.flatMap(node => plainTexts(node, name)),
      ...plainTexts(place, list).flatMap(text => text.split(/[\s,;]+/)),
    ]
    for (const text of texts) {
      const value = read(text)
      if (value !== null) values.add(value)
    }
  }
  return values.size >= all ? [] : [...values].sort((one, other) => one - other)
}

function hourOf(text: string): number | null {
  const hour = /^(\d{1,2})(?::00)?$/.exec(text)?.[1]
  return hour === undefined || Number(hour) > 24 ? null : Number(hour) % 24
}

function dayOf(text: string): number | null {
  const day = DAYS.indexOf(text.slice(0, 3).toLowerCase())
  return day < 0 ? null : day
}
