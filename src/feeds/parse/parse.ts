import { Failure, wordsOf } from '../../kernel/errors.js'
import type { FeedDocument, FeedFormat } from '../document.js'
import { decodeText } from './decode.js'
import { type KnownPosts, normalise } from './normalise.js'
import { openingOf } from './opening.js'
import type { PublishedFeed } from './published.js'
import { readWithRssParser } from './rss.js'
import { salvage, type Wreck } from './salvage.js'
import { readJsonFeed, readWithFeedsmith } from './smith.js'

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

/**
 * Reads, normalises and sanitises a feed document.
 * @throws {Failure} FEED_EMPTY, FEED_NOT_A_FEED, FEED_UNREADABLE with line and column
 */
export async function parseDocument(input: ParseInput): Promise<FeedDocument> {
  const text = decodeText(input.body, input.contentType)
  const [blank = ''] = /^[\s\uFEFF\0]*/.exec(text) ?? []
  if (blank.length === text.length) throw new Failure('FEED_EMPTY', 'the document is empty')
  const isJson = text.startsWith('{', blank.length)
  return normalise(isJson ? readJson(text.slice(blank.length)) : await readXml(text), input)
}

function readJson(text: string): PublishedFeed {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Failure('FEED_UNREADABLE', `the JSON cannot be read: ${wordsOf(error).slice(0, 200)}`, { cause: error })
  }
  if (typeof json !== 'object' || json === null || !('items' in json) || !Array.isArray(json.items)) {
    throw new Failure('FEED_NOT_A_FEED', 'a JSON document without items, not a JSON Feed')
  }
  try {
    return readJsonFeed(json)
  } catch (error) {
    throw new Failure('FEED_NOT_A_FEED', `not a JSON Feed: ${wordsOf(error)}`, { cause: error })
  }
}

/** rss-parser first; feedsmith for what it cannot read or finds empty; what is whole of a document whose structure breaks. */
async function readXml(text: string): Promise<PublishedFeed> {
  const { xml, root, linesBefore } = openingOf(text)
  const format = formatOf(root)
  const strict = format === null ? null : await attempt(() => readWithRssParser(xml, format))
  if (strict !== null && !(strict instanceof Error) && strict.entries.length > 0) return strict
  const wreck = strict === null || strict instanceof Error ? salvage(xml) : null
  if (wreck !== null) return readWreck(wreck, format, linesBefore)
  const lenient = await attempt(async () => readWithFeedsmith(xml))
  if (!(lenient instanceof Error) && lenient.entries.length > 0) return lenient
  if (strict !== null && !(strict instanceof Error)) return strict
  if (!(lenient instanceof Error)) return lenient
  if (strict === null)
    throw new Failure('FEED_NOT_A_FEED', `an XML document <${root.slice(0, 40)}> that is no feed`, { cause: lenient })
  throw new Failure('FEED_UNREADABLE', `the XML cannot be read: ${firstLine(strict)}`, { cause: strict })
}

async function readWreck(wreck: Wreck, format: FeedFormat | null, linesBefore: number): Promise<PublishedFeed> {
  const { text, line, column, reason } = wreck
  if (text !== null) {
    const strict = format === null ? null : await attempt(() => readWithRssParser(text, format))
    const kept = strict === null || strict instanceof Error ? await attempt(async () => readWithFeedsmith(text)) : strict
    if (!(kept instanceof Error) && kept.entries.length > 0) return kept
  }
  throw new Failure('FEED_UNREADABLE', `the XML breaks at line ${linesBefore + line}, column ${column}: ${reason}`)
}

/** The error when the reader finds the document wrong. Both libraries throw errors of every kind on odd documents. */
async function attempt(read: () => Promise<PublishedFeed>): Promise<PublishedFeed | Error> {
  try {
    return await read()
  } catch (error) {
    return error instanceof Error ? error : new Error(wordsOf(error))
  }
}

/** xml2js puts the place on lines of its own. */
function firstLine(error: Error): string {
  return error.message.replaceAll(/\s*\n\s*/g, ', ').slice(0, 200)
}

/** Null for a root that rss-parser does not know; feedsmith may. */
function formatOf(root: string): FeedFormat | null {
  if (root === 'rss') return 'rss'
  if (root === 'feed') return 'atom'
  return root === 'rdf:RDF' ? 'rdf' : null
}
