import { type JsonFeed, parseJsonFeed } from 'feedsmith'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { jsonOutline, type Span } from './json-outline.js'
import { MAX_CATEGORIES, MAX_ENCLOSURES, MAX_POSTS } from './limits.js'
import { isAscending, newest } from './newest.js'
import { placeOf } from './position.js'
import { enclosure, html, isWeb, joined, type Kept, type PublishedFeed, plain, trimmed, withoutRepeats } from './published.js'
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
  const { json, total, kept } = readJson(text, start)
  const listed = itemsOf(json)
  if (listed === null) throw new Failure('FEED_NOT_A_FEED', `the JSON at ${placeOf(text, start)} has no items: not a JSON Feed`)
  const { entries, kept: keptHere } = newest(listed.filter(isObject), datesOf)
  if (entries.length === 0 && listed.length > 0) {
    const at = Math.max(text.indexOf('"items"', start), start)
    throw new Failure('FEED_NOT_A_FEED', `the items at ${placeOf(text, at)} are not those of a JSON Feed: none is an object`)
  }
  try {
    const items = entries.map(item => known(item, ITEM_KEYS))
    const read = { ...known(json, FEED_KEYS), items, version: 'https://jsonfeed.org/version/1.1' }
    const feed = parseJsonFeed<string>(read)
    const left = total === null ? Math.max(0, listed.filter(isObject).length - MAX_POSTS) : total - listed.length
    return feedOf(feed, { entryCount: (feed.items?.length ?? 0) + left, kept: kept ?? keptHere })
  } catch (error) {
    throw new Failure('FEED_NOT_A_FEED', `not a JSON Feed at ${placeOf(text, start)}: ${wordsOf(error)}`, { cause: error })
  }
}

interface ReadJson {
  readonly json: unknown
  /** Elements of `items`, when there were too many to read them all; null when all are there. */
  readonly total: number | null
  readonly kept: Kept | null
}

/** @throws {Failure} FEED_UNREADABLE */
function readJson(text: string, start: number): ReadJson {
  const body = text.slice(start)
  const outline = body.length > MAX_TRUSTED_CHARS ? jsonOutline(body, MAX_POSTS) : null
  try {
    if (outline !== null && outline.broken !== null) throw new SyntaxError(outline.broken.reason)
    if (outline === null || outline.surplus === null) return { json: JSON.parse(body), total: null, kept: null }
    const json: unknown = JSON.parse(without(body, outline.surplus))
    const isRising = isAscending((itemsOf(json) ?? []).map(datesOf))
    const last = isRising && outline.early !== null ? without(body, outline.early) : null
    // The bounds of what is parsed were not counted for these items.
    if (last === null || jsonOutline(last, MAX_POSTS).broken !== null) return { json, total: outline.items, kept: 'first' }
    return { json: JSON.parse(last), total: outline.items, kept: 'last' }
  } catch (error) {
    const broken = (outline ?? jsonOutline(body, MAX_POSTS)).broken ?? { at: 0, reason: wordsOf(error) }
    const words = `the JSON breaks at ${placeOf(text, start + broken.at)}: ${broken.reason}`
    throw new Failure('FEED_UNREADABLE', words, { cause: error })
  }
}

function without(body: string, { from, to }: Span): string {
  return body.slice(0, from) + body.slice(to)
}

function itemsOf(json: unknown): readonly unknown[] | null {
  return isObject(json) && Array.isArray(json.items) ? json.items : null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function datesOf(item: unknown): string[] {
  if (!isObject(item)) return []
  return [item.date_published, item.date_modified].filter(date => typeof date === 'string')
}

/** What is read of an object, in any case: feedsmith looks through all keys for every one that is missing. */
function known(value: unknown, names: ReadonlySet<string>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  if (!isObject(value)) return kept
  for (const key in value) {
    const name = key.length > 20 ? '' : key.toLowerCase()
    if (!names.has(name) || !Object.hasOwn(value, key) || (name !== key && Object.hasOwn(value, name))) continue
    const one = value[key]
    kept[name] = Array.isArray(one) && name !== 'items' ? one.slice(0, MAX_LISTED) : one
  }
  return kept
}

function feedOf(feed: JsonFeed.Feed<string>, amount: Pick<PublishedFeed, 'entryCount' | 'kept'>): PublishedFeed {
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
      link: trimmed(item.url) ?? trimmed(item.external_url) ?? webId(item.id),
      title: plain(item.title),
      author: authorsOf(item.authors) ?? author,
      published: listed(item.date_published),
      updated: listed(item.date_modified),
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
    ...amount,
    base: null,
  }
}

/** An id that is an address is where the item is, when nothing else says so. */
function webId(id: string | undefined): string | null {
  const text = trimmed(id)
  return isWeb(text) ? text : null
}

function listed(date: string | undefined): string[] {
  return trimmed(date) === null ? [] : [date ?? '']
}

function authorsOf(authors: readonly { name?: string | undefined }[] | undefined): string | null {
  return joined((authors ?? []).flatMap(author => trimmed(author.name) ?? []))
}
