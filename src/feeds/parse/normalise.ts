import { parseUrl } from '../../kernel/parse-url.js'
import type { DocumentPost, Enclosure, FeedDocument, Notice } from '../document.js'
import { firstMoment } from './dates.js'
import { escapeUnknownTags } from './html-in-titles.js'
import { type Identity, identify } from './identity.js'
import {
  bounded,
  cutToBytes,
  MAX_AUTHOR_CHARS,
  MAX_CATEGORIES,
  MAX_CATEGORY_CHARS,
  MAX_CONTENT_BYTES,
  MAX_DESCRIPTION_CHARS,
  MAX_ENCLOSURES,
  MAX_LANGUAGE_CHARS,
  MAX_TITLE_CHARS,
  MAX_URL_CHARS,
} from './limits.js'
import { type PublishedEntry, type PublishedFeed, type PublishedText, trimmed } from './published.js'
import { postInterval } from './rhythm.js'
import { escapeHtml, plainText, sanitise, singleLine } from './sanitise.js'

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
  const link = webUrl(feed.link, feed.base?.href ?? options.url)
  const base = feed.base?.href ?? link ?? options.url
  const entries = feed.entries.map(wellFormed)
  const identities = identify(entries)
  const posts = entries.flatMap((entry, index) => {
    const identity = identities[index]
    if (identity === undefined || identity === null) return []
    return options.previous?.get(identity.guidHash + identity.contentHash) ?? postOf(entry, identity, base, options.now)
  })
  const description = feed.description === null ? null : oneLine(feed.description, MAX_DESCRIPTION_CHARS)
  return {
    format: feed.format,
    title: titleOf(feed.title),
    link,
    description: description === '' ? null : description,
    language: feed.language === null ? null : oneLine({ text: feed.language, kind: 'plain' }, MAX_LANGUAGE_CHARS) || null,
    rhythm: { ...feed.rhythm, postIntervalMs: postInterval(posts) },
    notices: noticesOf(feed, entries, identities.filter(identity => identity === null).length),
    posts,
  }
}

function noticesOf(feed: PublishedFeed, entries: readonly PublishedEntry[], repeated: number): Notice[] {
  const notices: Notice[] = []
  const cut = feed.entries.filter(
    ({ content }) => content !== null && cutToBytes(content.text, MAX_CONTENT_BYTES) !== content.text,
  ).length
  if (feed.entryCount > entries.length)
    notices.push({
      code: 'POSTS_CUT',
      message: `it has ${feed.entryCount} posts, of which the ${feed.kept} ${entries.length} are read`,
    })
  if (cut > 0) notices.push({ code: 'CONTENT_CUT', message: `${posts(cut)} cut to ${MAX_CONTENT_BYTES} bytes of content` })
  if (repeated > 0)
    notices.push({
      code: 'POSTS_REPEATED',
      message: `${posts(repeated)} left out: another has the same guid and link, or is the same in everything`,
    })
  return notices
}

/** With its verb. */
function posts(count: number): string {
  return count === 1 ? '1 post is' : `${count} posts are`
}

function postOf(entry: PublishedEntry, identity: Identity, feedBase: string, now: number): DocumentPost {
  const base = entry.base?.href ?? feedBase
  const url = webUrl(entry.link, base)
  const updatedAt = firstMoment(entry.updated, now)
  return {
    ...identity,
    url,
    title: titleOf(entry.title),
    author: entry.author === null ? null : oneLine({ text: entry.author, kind: 'html' }, MAX_AUTHOR_CHARS) || null,
    publishedAt: firstMoment(entry.published, now) ?? updatedAt,
    updatedAt,
    content: contentOf(entry.content, entry.contentBase?.href ?? entry.base?.href ?? url ?? feedBase),
    categories: categoriesOf(entry.categories),
    image: webUrl(entry.image, base),
    enclosures: entry.enclosures.flatMap(enclosure => enclosureOf(enclosure, base)).slice(0, MAX_ENCLOSURES),
  }
}

/** What identities are made of must be storable; `content` is cut here, before it is hashed or sanitised. */
function wellFormed(entry: PublishedEntry): PublishedEntry {
  const { guid, link, content } = entry
  return {
    ...entry,
    guid: guid === null ? null : trimmed(bounded(guid, Number.POSITIVE_INFINITY)),
    link: link === null ? null : trimmed(bounded(link, Number.POSITIVE_INFINITY)),
    content:
      content === null
        ? null
        : { ...content, text: bounded(cutToBytes(content.text, MAX_CONTENT_BYTES), Number.POSITIVE_INFINITY) },
  }
}

function contentOf(content: PublishedText | null, base: string): string {
  if (content === null) return ''
  return content.kind === 'html' ? sanitise(content.text, base) : escapeHtml(content.text).replaceAll('\n', '<br />')
}

function titleOf(title: PublishedText | null): string {
  if (title === null) return ''
  return oneLine(
    title.kind === 'plain' ? title : { ...title, text: escapeUnknownTags(bounded(title.text, MAX_TITLE_CHARS * 10)) },
    MAX_TITLE_CHARS,
  )
}

/** Cut twice: what is far too long is not even looked at, and decoded text is bounded as well. */
function oneLine({ text, kind }: PublishedText, maxChars: number): string {
  const start = bounded(text, maxChars * 10)
  return bounded(kind === 'html' ? plainText(start) : singleLine(start), maxChars).trim()
}

function categoriesOf(names: readonly string[]): string[] {
  const texts = names.slice(0, MAX_CATEGORIES * 4).map(text => oneLine({ text, kind: 'html' }, MAX_CATEGORY_CHARS))
  return [...new Set(texts)].filter(text => text !== '').slice(0, MAX_CATEGORIES)
}

function enclosureOf(enclosure: Enclosure, base: string): Enclosure[] {
  const url = webUrl(enclosure.url, base)
  const type = enclosure.type === null ? null : oneLine({ text: enclosure.type, kind: 'plain' }, MAX_CATEGORY_CHARS) || null
  return url === null ? [] : [{ url, type, bytes: enclosure.bytes }]
}

/** Absolute and http(s), or null; one that is too long is null as well, since half a URL leads nowhere. */
function webUrl(reference: string | null, base: string): string | null {
  if (reference === null || reference.length > MAX_URL_CHARS) return null
  const href = hrefOf(reference, base)
  return href !== null && /^https?:/.test(href) && href.length <= MAX_URL_CHARS ? href : null
}

function hrefOf(reference: string, base: string): string | null {
  return parseUrl(reference, base)?.href ?? null
}
