import type { DocumentPost, Enclosure, FeedDocument } from '../document.js'
import { parseDate } from './dates.js'
import { type Identity, identify } from './identity.js'
import {
  bounded,
  MAX_AUTHOR_CHARS,
  MAX_CATEGORIES,
  MAX_CATEGORY_CHARS,
  MAX_CONTENT_CHARS,
  MAX_DESCRIPTION_CHARS,
  MAX_ENCLOSURES,
  MAX_LANGUAGE_CHARS,
  MAX_POSTS,
  MAX_TITLE_CHARS,
  MAX_URL_CHARS,
} from './limits.js'
import type { PublishedEntry, PublishedFeed, PublishedText } from './published.js'
import { escapeHtml, plainText, sanitise } from './sanitise.js'

const MAX_TTL_MINUTES = 7 * 24 * 60

/** Posts that are known, by `guidHash + contentHash`. */
export type KnownPosts = ReadonlyMap<string, DocumentPost>

export interface NormaliseOptions {
  /** Where the document was fetched from. */
  readonly url: string
  readonly now: number
  /** Posts found here are taken over as they are: sanitising is what costs most. */
  readonly previous?: KnownPosts | undefined
}

/** Brings a feed into the form that tenants store: bounded, plain text where text is meant, safe HTML, absolute URLs, unique ids. */
export function normalise(feed: PublishedFeed, options: NormaliseOptions): FeedDocument {
  const link = webUrl(feed.link, options.url)
  const base = link ?? options.url
  const entries = feed.entries.slice(0, MAX_POSTS).map(wellFormed)
  const identities = identify(entries)
  const posts = entries.flatMap((entry, index) => {
    const identity = identities[index]
    if (identity === undefined || identity === null) return []
    return options.previous?.get(identity.guidHash + identity.contentHash) ?? postOf(entry, identity, base, options.now)
  })
  const description = feed.description === null ? null : oneLine(feed.description, MAX_DESCRIPTION_CHARS)
  return {
    format: feed.format,
    title: feed.title === null ? '' : oneLine(feed.title, MAX_TITLE_CHARS),
    link,
    description: description === '' ? null : description,
    language: feed.language === null ? null : bounded(feed.language, MAX_LANGUAGE_CHARS),
    ttlMinutes: ttlOf(feed.ttl),
    posts,
  }
}

function postOf(entry: PublishedEntry, identity: Identity, base: string, now: number): DocumentPost {
  const url = webUrl(entry.link, base)
  return {
    ...identity,
    url,
    title: entry.title === null ? '' : oneLine(entry.title, MAX_TITLE_CHARS),
    author: entry.author === null ? null : oneLine({ text: entry.author, kind: 'html' }, MAX_AUTHOR_CHARS) || null,
    publishedAt: parseDate(entry.published ?? entry.updated, now),
    updatedAt: parseDate(entry.updated, now),
    content: contentOf(entry.content, url ?? base),
    categories: categoriesOf(entry.categories),
    enclosures: entry.enclosures.flatMap(enclosure => enclosureOf(enclosure, base)).slice(0, MAX_ENCLOSURES),
  }
}

/** What identities are made of must be storable; `content` is cut here, before it is hashed or sanitised. */
function wellFormed(entry: PublishedEntry): PublishedEntry {
  const { guid, link, content } = entry
  return {
    ...entry,
    guid: guid === null ? null : bounded(guid, Number.POSITIVE_INFINITY),
    link: link === null ? null : bounded(link, Number.POSITIVE_INFINITY),
    content: content === null ? null : { ...content, text: bounded(content.text, MAX_CONTENT_CHARS) },
  }
}

function contentOf(content: PublishedText | null, base: string): string {
  if (content === null) return ''
  return content.kind === 'html' ? sanitise(content.text, base) : escapeHtml(content.text).replaceAll('\n', '<br />')
}

/** Cut twice: what is far too long is not even looked at, and decoded text is bounded as well. */
function oneLine({ text, kind }: PublishedText, maxChars: number): string {
  const start = bounded(text, maxChars * 10)
  return bounded(kind === 'html' ? plainText(start) : start.replace(/\s+/g, ' ').trim(), maxChars)
}

function categoriesOf(names: readonly string[]): string[] {
  const texts = names.slice(0, MAX_CATEGORIES * 4).map(text => oneLine({ text, kind: 'html' }, MAX_CATEGORY_CHARS))
  return [...new Set(texts)].filter(text => text !== '').slice(0, MAX_CATEGORIES)
}

function enclosureOf(enclosure: Enclosure, base: string): Enclosure[] {
  const url = webUrl(enclosure.url, base)
  const type = enclosure.type === null ? null : bounded(enclosure.type, MAX_CATEGORY_CHARS)
  return url === null ? [] : [{ url, type, bytes: enclosure.bytes }]
}

/** Absolute and http(s), or null; one that is too long is null as well, since half a URL leads nowhere. */
function webUrl(reference: string | null, base: string): string | null {
  if (reference === null || reference.length > MAX_URL_CHARS) return null
  const href = hrefOf(reference, base)
  return href !== null && /^https?:/.test(href) && href.length <= MAX_URL_CHARS ? href : null
}

/** Parsed once: `URL.canParse` before it would cost as much again. */
function hrefOf(reference: string, base: string): string | null {
  try {
    return new URL(reference, base).href
  } catch {
    return null
  }
}

function ttlOf(text: string | null): number | null {
  const minutes = text !== null && /^\d{1,9}$/.test(text) ? Number(text) : 0
  return minutes > 0 ? Math.min(minutes, MAX_TTL_MINUTES) : null
}
