import { shortHash } from '../../kernel/hash.js'
import { firstMoment } from './dates.js'
import type { PublishedEntry } from './published.js'

const MAX_GUID_CHARS = 2_000

/** What an entry is recognised by, and what tells that it changed; see `DocumentPost` for the three. */
export interface Identity {
  readonly guid: string
  readonly guidHash: string
  readonly contentHash: string
}

/**
 * The identity of each entry: its guid, else its link, else a hash of its title and content, all as published, so that it does not depend on where
 * the document was fetched from. Null for an entry that is another's repetition.
 *
 * Entries with one guid and one link are one post in several versions: the one updated last is kept, the first when none says when. Only another
 * link tells a repeated guid apart, so that an edit never changes what a post is recognised by. Entries without a guid that share their link are
 * told apart by their titles, then by all they hold, then by their dates. All of a group are renamed, the first one too: which one comes first
 * changes with every new entry.
 */
export function identify(entries: readonly PublishedEntry[]): (Identity | null)[] {
  const contentHashes = entries.map(contentHashOf)
  const names = entries.map((entry, index) => entry.guid ?? entry.link ?? `hash:${wordsHashOf(entry) ?? contentHashes[index]}`)
  const unique = new Set(names).size === names.length ? names : told(entries, names, contentHashes)
  return unique.map((name, index) => {
    if (name === null) return null
    const guid = bounded(name)
    return { guid, guidHash: shortHash(guid), contentHash: contentHashes[index] ?? '' }
  })
}

/** The names, each once; null for repetitions. */
function told(entries: readonly PublishedEntry[], names: readonly string[], contentHashes: readonly string[]): (string | null)[] {
  const kept = keptVersions(entries, names, contentHashes)
  const without = (index: number) => entries[index]?.guid === null
  const byLink = distinguish(kept, names, index => (without(index) ? '' : (entries[index]?.link ?? '')))
  const byTitle = distinguish(kept, byLink, index => (without(index) ? shortHash(entries[index]?.title?.text ?? '') : ''))
  const byContent = distinguish(kept, byTitle, index => contentHashes[index] ?? '')
  const byDate = distinguish(kept, byContent, index => String(momentOf(entries[index]) ?? ''))
  const seen = new Set<string>()
  return byDate.map((name, index) => (kept.has(index) && !seen.has(name) && seen.add(name) ? name : null))
}

/** The indexes of the entries that are no repetition of another. */
function keptVersions(
  entries: readonly PublishedEntry[],
  names: readonly string[],
  contentHashes: readonly string[],
): ReadonlySet<number> {
  const versions = new Map<string, number>()
  for (const [index, entry] of entries.entries()) {
    const others = entry.guid === null ? [contentHashes[index], momentOf(entry)] : []
    const key = JSON.stringify([names[index], entry.link, ...others])
    const known = versions.get(key)
    if (known === undefined || updatedAt(entry) > updatedAt(entries[known])) versions.set(key, index)
  }
  return new Set(versions.values())
}

/** Null for an entry without words, which only its enclosures can tell from another. */
function wordsHashOf({ title, content }: PublishedEntry): string | null {
  return title === null && content === null ? null : shortHash(`${title?.text ?? ''}\n${content?.text ?? ''}`)
}

/** Adds `difference` to the name of every kept entry that shares it with another one. */
function distinguish(
  kept: ReadonlySet<number>,
  names: readonly string[],
  difference: (index: number) => string,
): readonly string[] {
  const counts = new Map<string, number>()
  for (const [index, name] of names.entries()) if (kept.has(index)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return names.map((name, index) => {
    const extra = kept.has(index) && counts.get(name) !== 1 ? difference(index) : ''
    return extra === '' ? name : `${name} ${extra}`
  })
}

/** The moment, not the words: those are reformatted by publishers' upgrades. Null for none. */
function momentOf(entry: PublishedEntry | undefined): number | null {
  return firstMoment([...(entry?.published ?? []), ...(entry?.updated ?? [])], Number.MAX_SAFE_INTEGER)
}

function updatedAt(entry: PublishedEntry | undefined): number {
  return firstMoment(entry?.updated ?? [], Number.MAX_SAFE_INTEGER) ?? Number.NEGATIVE_INFINITY
}

/** A guid that is too long keeps its start and ends in a hash of the whole, so that two of them stay two. */
function bounded(guid: string): string {
  return guid.length <= MAX_GUID_CHARS
    ? guid
    : `${guid.slice(0, MAX_GUID_CHARS - 30).replace(/[\uD800-\uDBFF]$/, '')} ${shortHash(guid)}`
}

/**
 * Over all that readers see of the entry but its dates, of which only their presence counts: many publishers stamp every entry with the time of the
 * fetch, which would rewrite every row of every tenant each time. Not over the kinds of texts, in which readers differ. The order of the fields is
 * part of every stored hash: a field that entries gain later goes behind them, and only where an entry has it.
 */
function contentHashOf(entry: PublishedEntry): string {
  const { title, content, link, author, categories, image, enclosures, base, contentBase } = entry
  const dated = entry.published.length + entry.updated.length > 0
  const files = enclosures.map(({ url, type, bytes }) => [url, type, bytes])
  const texts = [title?.text, content?.text, link, author, categories, image, files, dated, base?.declared, contentBase?.declared]
  return shortHash(JSON.stringify(texts))
}
