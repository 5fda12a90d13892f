import { firstMoment } from './dates.js'
import { MAX_POSTS } from './limits.js'
import type { Kept } from './published.js'
import { plainsOf } from './xml-node.js'

/** Names of the elements that date an entry of XML, the likeliest first. */
export const PUBLISHED = ['pubDate', 'pubdate', 'dc:date', 'dcterms:issued', 'atom:published'] as const
const ENTRY_DATES = [...PUBLISHED, 'published', 'issued', 'created', 'updated', 'modified'] as const

/** At most `MAX_POSTS` of the entries: the last ones when the newest stand at the end, else the first ones. */
export function newest<T>(
  entries: readonly T[],
  datesOf: (entry: T) => readonly string[],
): { readonly entries: readonly T[]; readonly kept: Kept } {
  if (entries.length <= MAX_POSTS) return { entries, kept: 'first' }
  return isAscending(entries.slice(0, MAX_POSTS).map(datesOf))
    ? { entries: entries.slice(-MAX_POSTS), kept: 'last' }
    : { entries: entries.slice(0, MAX_POSTS), kept: 'first' }
}

/** True when dates mostly rise from entry to entry, by the dates of each; false without any. */
export function isAscending(dates: readonly (readonly string[])[]): boolean {
  const moments = dates.flatMap(texts => firstMoment(texts, Number.MAX_SAFE_INTEGER) ?? [])
  let rising = 0
  for (const [index, moment] of moments.entries()) rising += Math.sign(moment - (moments[index - 1] ?? moment))
  return rising > 0
}

export function entryDates(entry: unknown): string[] {
  return plainsOf(entry, ENTRY_DATES)
}
