import { renderAtom } from './formats/atom.js'
import { renderJson } from './formats/json.js'
import { renderRdf } from './formats/rdf.js'
import { renderRss } from './formats/rss.js'
import { type Edition, type FeedParts, postsOf, publishedAt, publisherOf } from './posts.js'

export type DocumentFormat = 'rss' | 'atom' | 'rdf' | 'json'

/** What to write. `itemBytes` is the average length of a post's HTML; `origin` goes into the link to itself and nowhere else. */
export interface FeedOrder extends Edition {
  readonly format: DocumentFormat
  readonly origin: string
}

export interface RenderedFeed {
  /** UTF-8. */
  readonly body: Buffer
  readonly contentType: string
}

const WRITERS: Record<DocumentFormat, (parts: FeedParts) => string> = {
  rss: renderRss,
  atom: renderAtom,
  rdf: renderRdf,
  json: renderJson,
}

/** What a server says of each format; RDF and JSON Feed leave the charset out, as they mostly do. */
export const CONTENT_TYPES: Record<DocumentFormat, string> = {
  rss: 'application/rss+xml; charset=utf-8',
  atom: 'application/atom+xml; charset=utf-8',
  rdf: 'application/rdf+xml',
  json: 'application/feed+json',
}

/** About 60 in 100 sources are RSS, 25 Atom, 10 JSON Feed, 5 RDF. Chosen by source number, in turn. */
export const MIXED_FORMATS: readonly DocumentFormat[] =
  'rss rss rss atom rss rss atom json rss rss atom rss rdf rss atom rss rss json rss atom'.split(' ') as DocumentFormat[]

/** The document of one state of a source: the same order gives the same bytes, on every machine and day. */
export function renderFeed(order: FeedOrder): RenderedFeed {
  const publisher = publisherOf(order.seed, order.source)
  const parts = {
    publisher,
    posts: postsOf(order, publisher),
    selfUrl: `${order.origin}/feeds/${order.source}.xml`,
    updatedMs: publishedAt(order),
  }
  return { body: Buffer.from(WRITERS[order.format](parts)), contentType: CONTENT_TYPES[order.format] }
}
