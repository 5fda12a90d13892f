import { shortHash } from '../../kernel/hash.js'
import type { PublishedEntry } from './published.js'

const MAX_GUID_CHARS = 2_000

/** What an entry is recognised by, and what tells that it changed; see `DocumentPost` for the three. */
export interface Identity {
  readonly guid: string
  readonly guidHash: string
  readonly contentHash: string
}

/**
 * The identity of each entry: its guid, else its link, else a hash of its title and content. Entries that share it are told apart by their links,
 * and then by their content; null for an entry that repeats another in everything. All of a group are renamed, the first one too:
 * which one comes first changes with every new entry.
 */
export function identify(entries: readonly PublishedEntry[]): (Identity | null)[] {
  const contentHashes = entries.map(contentHashOf)
  const names = entries.map(
    entry => entry.guid ?? entry.link ?? `hash:${shortHash(`${entry.title?.text ?? ''}\n${entry.content?.text ?? ''}`)}`,
  )
  const byLink = distinguish(names, index => entries[index]?.link ?? '')
  const byContent = distinguish(byLink, index => contentHashes[index] ?? '')
  const seen = new Set<string>()
  return byContent.map((name, index) => {
    if (seen.has(name)) return null
    seen.add(name)
    const guid = bounded(name)
    return { guid, guidHash: shortHash(guid), contentHash: contentHashes[index] ?? '' }
  })
}

/** Adds `difference` to every name that occurs more than once. */
function distinguish(names: readonly string[], difference: (index: number) => string): string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return names.map((name, index) => {
    const extra = counts.get(name) === 1 ? '' : difference(index)
    return extra === '' ? name : `${name} ${extra}`
  })
}

/** A guid that is too long keeps its start and ends in a hash of the whole, so that two of them stay two. */
function bounded(guid: string): string {
  return guid.length <= MAX_GUID_CHARS
    ? guid
    : `${guid.slice(0, MAX_GUID_CHARS - 30).replace(/[\uD800-\uDBFF]$/, '')} ${shortHash(guid)}`
}

function contentHashOf(entry: PublishedEntry): string {
  const { link, title, author, published, updated, content, categories, enclosures } = entry
  return shortHash(JSON.stringify([link, title?.text, author, published, updated, content?.text, categories, enclosures]))
}
