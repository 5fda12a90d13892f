import { shortHash } from '../../kernel/hash.js'
import { parseDate } from './dates.js'
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
 * the document was fetched from. Entries that share it are told apart by their links, then by their content, then by their dates; null for an entry
 * that repeats another in everything. All of a group are renamed, the first one too: which one comes first changes with every new entry.
 */
export function identify(entries: readonly PublishedEntry[]): (Identity | null)[] {
  const contentHashes = entries.map(contentHashOf)
  const names = entries.map((entry, index) => entry.guid ?? entry.link ?? `hash:${wordsHashOf(entry) ?? contentHashes[index]}`)
  const byLink = distinguish(names, index => entries[index]?.link ?? '')
  const byContent = distinguish(byLink, index => contentHashes[index] ?? '')
  const byDate = distinguish(byContent, index => instantOf(entries[index]))
  const seen = new Set<string>()
  return byDate.map((name, index) => {
    if (seen.has(name)) return null
    seen.add(name)
    const guid = bounded(name)
    return { guid, guidHash: shortHash(guid), contentHash: contentHashes[index] ?? '' }
  })
}

/** Null for an entry without words, which only its enclosures can tell from another. */
function wordsHashOf({ title, content }: PublishedEntry): string | null {
  return title === null && content === null ? null : shortHash(`${title?.text ?? ''}\n${content?.text ?? ''}`)
}

/** Adds `difference` to every name that occurs more than once. */
function distinguish(names: readonly string[], difference: (index: number) => string): readonly string[] {
  if (new Set(names).size === names.length) return names
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return names.map((name, index) => {
    const extra = counts.get(name) === 1 ? '' : difference(index)
    return extra === '' ? name : `${name} ${extra}`
  })
}

/** The moment, not the words: those are reformatted by publishers' upgrades. */
function instantOf(entry: PublishedEntry | undefined): string {
  return String(parseDate(entry?.published ?? entry?.updated ?? null, Number.MAX_SAFE_INTEGER) ?? '')
}

/** A guid that is too long keeps its start and ends in a hash of the whole, so that two of them stay two. */
function bounded(guid: string): string {
  return guid.length <= MAX_GUID_CHARS
    ? guid
    : `${guid.slice(0, MAX_GUID_CHARS - 30).replace(/[\uD800-\uDBFF]$/, '')} ${shortHash(guid)}`
}

/**
 * Over all that readers see of the entry but its dates, of which only their presence counts: many publishers stamp every entry with the time of the
 * fetch, which would rewrite every row of every tenant each time. Not over the kinds of texts and the order of fields, in which readers differ.
 */
function contentHashOf(entry: PublishedEntry): string {
  const { guid: _guid, published, updated, title, content, ...others } = entry
  const dated = published !== null || updated !== null
  return shortHash(stableJson({ ...others, title: title?.text, content: content?.text, dated }))
}

/** With the keys in order and without what is absent or empty, so that a field that entries gain later changes no hash. */
function stableJson(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    const filled = Object.entries(inner).filter(([, field]) => !isEmpty(field))
    return Object.fromEntries(filled.sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}
