import { type JsonFeed, parseJsonFeed } from 'feedsmith'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { jsonOutline } from './json-outline.js'
import { MAX_CATEGORIES, MAX_ENCLOSURES, MAX_POSTS } from './limits.js'
import { placeOf } from './position.js'
import { enclosure, html, joined, type PublishedFeed, plain, trimmed, withoutRepeats } from './published.js'
import { NO_RHYTHM } from './rhythm.js'

/** Of more, the tokens are looked at before anything is built of them. */
const MAX_TRUSTED_CHARS = 1_000_000
/** Elements of a list in an item that are looked at; of those that are kept, many may be empty or repeated. */
const MAX_LISTED = 4 * Math.max(MAX_CATEGORIES, MAX_ENCLOSURES)

const FEED_KEYS = new Set(['title', 'home_page_url', 'description', 'language', 'author', 'authors', 'items'])
const ITEM_KEYS = new Set(
  'id url external_url title content_html content_text summary image banner_image date_published date_modified tags author authors attachments'.split(
    ' ',
  ),
)

/**
 * Reads a JSON Feed, whatever version it says it is, from where it begins in the text.
 * @throws {Failure} FEED_UNREADABLE with line and column, FEED_NOT_A_FEED
 */
export function readJsonFeed(text: string, start: number): PublishedFeed {
  const body = text.slice(start)
  const outline = body.length > MAX_TRUSTED_CHARS ? jsonOutline(body, MAX_POSTS) : null
  const surplus = outline?.surplus ?? null
  let json: unknown
  try {
    if (outline !== null && outline.broken !== null) throw new SyntaxError(outline.broken.reason)
    json = JSON.parse(surplus === null ? body : body.slice(0, surplus.from) + body.slice(surplus.to))
  } catch (error) {
    const broken = (outline ?? jsonOutline(body, MAX_POSTS)).broken ?? { at: 0, reason: wordsOf(error) }
    const words = `the JSON breaks at ${placeOf(text, start + broken.at)}: ${broken.reason}`
    throw new Failure('FEED_UNREADABLE', words, { cause: error })
  }
  if (typeof json !== 'object' || json === null || !('items' in json) || !Array.isArray(json.items)) {
    throw new Failure('FEED_NOT_A_FEED', 'a JSON document without items, not a JSON Feed')
  }
  const entryCount = surplus === null ? json.items.length : (outline?.items ?? 0)
  try {
    const items = json.items.slice(0, MAX_POSTS).map(item => known(item, ITEM_KEYS))
    const read = { ...known(json, FEED_KEYS), items, version: 'https://jsonfeed.org/version/1.1' }
    return feedOf(parseJsonFeed<string>(read), entryCount)
  } catch (error) {
    throw new Failure('FEED_NOT_A_FEED', `not a JSON Feed: ${wordsOf(error)}`, { cause: error })
  }
}

/** What is read of an object, in any case: feedsmith looks through all keys for every one that is missing. */
function known(value: unknown, names: ReadonlySet<string>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return kept
  for (const key in value) {
    const name = key.length > 20 ? '' : key.toLowerCase()
    if (!names.has(name) || !Object.hasOwn(value, key) || (name !== key && Object.hasOwn(value, name))) continue
    const one: unknown = (value as Record<string, unknown>)[key]
    kept[name] = Array.isArray(one) && name !== 'items' ? one.slice(0, MAX_LISTED) : one
  }
  return kept
}

function feedOf(feed: JsonFeed.Feed<string>, entryCount: number): PublishedFeed {
  const author = authorsOf(feed.authors)
  return {
    format: 'json',
    title: plain(feed.title),
    link: trimmed(feed.home_page_url),
    description: plain(feed.description),
    language: trimmed(feed.language),
    rhythm: NO_RHYTHM,
    entries: (feed.items ?? []).map(item => ({
      guid: trimmed(item.id),
      link: trimmed(item.url) ?? trimmed(item.external_url),
      title: plain(item.title),
      author: authorsOf(item.authors) ?? author,
      published: trimmed(item.date_published),
      updated: trimmed(item.date_modified),
      content: html(item.content_html) ?? plain(item.content_text) ?? plain(item.summary),
      categories: item.tags ?? [],
      image: trimmed(item.image) ?? trimmed(item.banner_image),
      enclosures: withoutRepeats(
        (item.attachments ?? []).flatMap(({ url, mime_type, size_in_bytes }) =>
          enclosure(trimmed(url), trimmed(mime_type), size_in_bytes),
        ),
      ),
      base: null,
      contentBase: null,
    })),
    entryCount,
    base: null,
  }
}

function authorsOf(authors: readonly { name?: string | undefined }[] | undefined): string | null {
  return joined((authors ?? []).flatMap(author => trimmed(author.name) ?? []))
}
