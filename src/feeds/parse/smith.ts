import { type AtomFeed, type JsonFeed, parseFeed, parseJsonFeed, type RdfFeed, type RssFeed } from 'feedsmith'
import { MAX_POSTS } from './limits.js'
import {
  atomText,
  declaredBytes,
  html,
  type PublishedEnclosure,
  type PublishedEntry,
  type PublishedFeed,
  type PublishedText,
  personName,
  plain,
  trimmed,
} from './published.js'

const OPTIONS = { maxItems: MAX_POSTS }

/**
 * Reads RSS, RDF and Atom with feedsmith, which is lenient: HTML entities, XHTML, odd prefixes, old formats.
 * @throws whatever feedsmith finds wrong
 */
export function readWithFeedsmith(xml: string): PublishedFeed {
  const { format, feed } = parseFeed<string>(xml, OPTIONS)
  if (format === 'rss') return rssFeed(feed)
  if (format === 'rdf') return rdfFeed(feed)
  return format === 'atom' ? atomFeed(feed) : jsonFeed(feed)
}

/**
 * Reads a JSON Feed, whatever version it says it is.
 * @throws whatever feedsmith finds wrong
 */
export function readJsonFeed(json: object): PublishedFeed {
  return jsonFeed(parseJsonFeed<string>({ ...json, version: 'https://jsonfeed.org/version/1.1' }, OPTIONS))
}

function rssFeed(feed: RssFeed.Feed<string>): PublishedFeed {
  return {
    format: 'rss',
    title: html(feed.title),
    link: trimmed(feed.link),
    description: html(feed.description),
    language: trimmed(feed.language ?? feed.dc?.languages?.[0]),
    ttl: feed.ttl === undefined ? null : String(feed.ttl),
    entries: (feed.items ?? []).map(rssEntry),
  }
}

function rssEntry(item: RssFeed.Item<string>): PublishedEntry {
  const guid = trimmed(item.guid?.value)
  const guidLink = item.guid?.isPermaLink !== false && /^https?:\/\//i.test(guid ?? '') ? guid : null
  const [author] = item.authors ?? []
  return {
    guid,
    link: trimmed(item.link) ?? alternateOf(item.atom?.links) ?? guidLink,
    title: html(item.title ?? item.dc?.titles?.[0]),
    author: trimmed(item.dc?.creators?.[0]) ?? trimmed(author?.name ?? author?.email) ?? personName(item.itunes?.author),
    published: trimmed(item.pubDate ?? item.dc?.dates?.[0]),
    updated: trimmed(item.atom?.updated),
    content: html(item.content?.encoded) ?? html(item.description) ?? html(item.itunes?.summary),
    categories: [...(item.categories ?? []).flatMap(category => trimmed(category.name) ?? []), ...(item.dc?.subjects ?? [])],
    enclosures: (item.enclosures ?? []).flatMap(({ url, type, length }) => enclosure(url, type, length)),
  }
}

function rdfFeed(feed: RdfFeed.Feed<string>): PublishedFeed {
  return {
    format: 'rdf',
    title: html(feed.title),
    link: trimmed(feed.link),
    description: html(feed.description),
    language: trimmed(feed.dc?.languages?.[0]),
    ttl: null,
    entries: (feed.items ?? []).map(item => ({
      guid: trimmed(item.rdf?.about),
      link: trimmed(item.link) ?? alternateOf(item.atom?.links),
      title: html(item.title ?? item.dc?.titles?.[0]),
      author: trimmed(item.dc?.creators?.[0]),
      published: trimmed(item.dc?.dates?.[0]),
      updated: trimmed(item.atom?.updated),
      content: html(item.content?.encoded) ?? html(item.description),
      categories: item.dc?.subjects ?? [],
      enclosures: [],
    })),
  }
}

function atomFeed(feed: AtomFeed.Feed<string>): PublishedFeed {
  return {
    format: 'atom',
    title: typed(feed.title),
    link: alternateOf(feed.links),
    description: typed(feed.subtitle),
    language: trimmed(feed.xml?.lang),
    ttl: null,
    entries: (feed.entries ?? []).map(entry => ({
      guid: trimmed(entry.id),
      link: alternateOf(entry.links),
      title: typed(entry.title),
      author:
        trimmed((entry.authors ?? []).flatMap(author => trimmed(author.name) ?? []).join(', ')) ??
        trimmed(entry.dc?.creators?.[0]),
      published: trimmed(entry.published ?? entry.dc?.dates?.[0]),
      updated: trimmed(entry.updated),
      content: typed(entry.content) ?? typed(entry.summary),
      categories: [
        ...(entry.categories ?? []).flatMap(category => trimmed(category.label) ?? trimmed(category.term) ?? []),
        ...(entry.dc?.subjects ?? []),
      ],
      enclosures: (entry.links ?? [])
        .filter(link => link.rel === 'enclosure')
        .flatMap(({ href, type, length }) => enclosure(href, type, length)),
    })),
  }
}

function jsonFeed(feed: JsonFeed.Feed<string>): PublishedFeed {
  return {
    format: 'json',
    title: plain(feed.title),
    link: trimmed(feed.home_page_url),
    description: plain(feed.description),
    language: trimmed(feed.language),
    ttl: null,
    entries: (feed.items ?? []).map(item => ({
      guid: trimmed(item.id),
      link: trimmed(item.url) ?? trimmed(item.external_url),
      title: plain(item.title),
      author: trimmed((item.authors ?? []).flatMap(author => trimmed(author.name) ?? []).join(', ')),
      published: trimmed(item.date_published),
      updated: trimmed(item.date_modified),
      content: html(item.content_html) ?? plain(item.content_text) ?? plain(item.summary),
      categories: item.tags ?? [],
      enclosures: (item.attachments ?? []).flatMap(({ url, mime_type, size_in_bytes }) =>
        enclosure(url, mime_type, size_in_bytes),
      ),
    })),
  }
}

function typed(text: AtomFeed.Text | AtomFeed.Content | undefined): PublishedText | null {
  return atomText(text?.value, text?.type)
}

/** The page an entry is about: the first link without a `rel` or with `alternate`. */
function alternateOf(links: readonly { href?: string | undefined; rel?: string | undefined }[] | undefined): string | null {
  return trimmed(links?.find(link => (link.rel ?? 'alternate') === 'alternate' && trimmed(link.href) !== null)?.href)
}

function enclosure(url: string | undefined, type: string | undefined, length: number | undefined): PublishedEnclosure[] {
  const address = trimmed(url)
  return address === null ? [] : [{ url: address, type: trimmed(type), bytes: declaredBytes(length) }]
}
