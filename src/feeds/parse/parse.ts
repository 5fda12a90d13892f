import { Failure, wordsOf } from '../../kernel/errors.js'
import type { FeedDocument, FeedFormat, Notice } from '../document.js'
import { atomFeed } from './atom.js'
import { decodeText } from './decode.js'
import { readJsonFeed } from './json-feed.js'
import { type KnownPosts, normalise } from './normalise.js'
import { hasFeedRoot, openingOf } from './opening.js'
import { placeOf } from './position.js'
import type { PublishedFeed } from './published.js'
import { rssFeed } from './rss.js'
import { readStrictly } from './strict.js'
import { readTolerantly } from './tolerant.js'
import { isUsual } from './usual.js'
import { MarkupInText } from './xml-node.js'

export interface ParseInput {
  readonly body: Uint8Array
  readonly contentType: string | null
  /** Where the document was fetched from: the last resort that relative URLs are resolved against. */
  readonly url: string
  /** Milliseconds since the epoch; later dates are clamped to it. */
  readonly now: number
  /** Posts of an earlier version, by `guidHash + contentHash`: those that did not change are not sanitised again. */
  readonly previous?: KnownPosts | undefined
}

/** A longer document is taken for broken from the start: reading it a second time would take too long. */
const MAX_CHARS_READ_TWICE = 1_000_000

interface Reading {
  readonly feed: PublishedFeed
  readonly notices: readonly Notice[]
}

/**
 * Reads, normalises and sanitises a feed document.
 * @throws {Failure} FEED_EMPTY, FEED_NOT_A_FEED, FEED_UNREADABLE with line and column
 */
export async function parseDocument(input: ParseInput): Promise<FeedDocument> {
  const text = decodeText(input.body, input.contentType)
  const [blank = ''] = /^[\s\uFEFF\0]*/.exec(text) ?? []
  if (blank.length === text.length) throw new Failure('FEED_EMPTY', 'the document is empty')
  const jsonAt = jsonStart(text, blank.length)
  if (jsonAt !== null) return normalise(readJsonFeed(text, jsonAt), input)
  const { feed, notices } = await readXml(text, input.url)
  const document = normalise(feed, input)
  return notices.length === 0 ? document : { ...document, notices: [...notices, ...document.notices] }
}

/** Where a JSON Feed begins, be it behind what a server had to say; null for what is to be read as XML. */
function jsonStart(text: string, first: number): number | null {
  if (text.startsWith('{', first)) return first
  if (hasFeedRoot(text)) return null
  if (text.startsWith('[', first))
    throw new Failure('FEED_NOT_A_FEED', `the list at ${placeOf(text, first)} is no feed: JSON Feed is an object`)
  const behind = text.search(/^[ \t]*\{\s*"(?:version|title|items|home_page_url|feed_url)"/m)
  return behind < 0 ? null : text.indexOf('{', behind)
}

/** rss-parser first; the tolerant reader for what it refuses, finds empty or would misread. */
async function readXml(text: string, url: string): Promise<Reading> {
  const opening = openingOf(text)
  const { format, root: name, start } = opening
  if (format === null)
    throw new Failure('FEED_NOT_A_FEED', `an XML document that is no feed: <${name.slice(0, 40)}> at ${placeOf(text, start)}`)
  const strict = isUsual(opening, text) ? await attempt(text.slice(opening.prolog), format, url) : null
  if (strict !== null && !(strict instanceof Error) && strict.entries.length > 0) return { feed: strict, notices: [] }
  const isRefused = (strict instanceof Error && !(strict instanceof MarkupInText)) || text.length > MAX_CHARS_READ_TWICE
  const first = readTolerantly(text, { ...opening, format, mend: isRefused })
  const { root, broken, dropped, beyond, keptEnd } =
    first.broken === null || isRefused ? first : readTolerantly(text, { ...opening, format, mend: true })
  const read = feedOf(root, format, url)
  const feed = { ...read, entryCount: read.entryCount + beyond, kept: beyond > 0 ? keptEnd : read.kept }
  if (broken === null) return { feed, notices: [] }
  const words = `the XML breaks at ${placeOf(text, broken.at)}: ${broken.reason}`
  if (feed.entryCount === 0) throw new Failure('FEED_UNREADABLE', words)
  const kept = `${feed.entryCount === 1 ? '1 post was' : `${feed.entryCount} posts were`} kept${dropped === 0 ? '' : `, ${dropped} left out`}`
  return { feed, notices: [{ code: 'DOCUMENT_BROKEN', message: `${words}; ${kept}` }] }
}

/** What the strict reader gives; its error when it refuses. It throws errors of every kind on odd documents. */
async function attempt(xml: string, format: FeedFormat, url: string): Promise<PublishedFeed | Error> {
  try {
    return feedOf(await readStrictly(xml), format, url)
  } catch (error) {
    return error instanceof Error ? error : new Error(wordsOf(error))
  }
}

function feedOf(root: unknown, format: FeedFormat, url: string): PublishedFeed {
  return format === 'atom' ? atomFeed(root, url) : rssFeed(root, format, url)
}
