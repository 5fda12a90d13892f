import Parser from 'rss-parser'
import type { FeedFormat } from '../document.js'
import {
  atomText,
  declaredBytes,
  html,
  type PublishedEnclosure,
  type PublishedEntry,
  type PublishedFeed,
  personName,
  trimmed,
} from './published.js'
import { attributeOf, childrenOf, firstText, textOf, textsOf } from './xml-node.js'

const FEED_FIELDS = ['title', 'subtitle', 'tagline', 'description', 'language', 'dc:language', 'ttl', 'link', '$']

/**
 * rss-parser finds the entries; they are kept as the elements they are. Its own reading of an entry knows one link, one enclosure and one author,
 * and makes a text snippet of every content, which costs as much as parsing and is not wanted here.
 */
class EntryParser extends Parser<Record<string, unknown>, unknown> {
  constructor() {
    const feed = FEED_FIELDS.map((name): [string, string, { keepArray: boolean }] => [name, `every ${name}`, { keepArray: true }])
    super({ defaultRSS: 2, customFields: { feed: feed as never[] } })
  }

  parseItemRss(element: unknown): unknown {
    return typeof element === 'object' ? element : {}
  }

  parseItemAtom(element: unknown): unknown {
    return typeof element === 'object' ? element : {}
  }
}

/**
 * Reads RSS, RDF and Atom with rss-parser; strict XML only.
 * @throws whatever rss-parser finds wrong, and MarkupInText
 */
export async function readWithRssParser(xml: string, format: FeedFormat): Promise<PublishedFeed> {
  const output: Record<string, unknown> = await new EntryParser().parseString(xml)
  const feed = Object.fromEntries(FEED_FIELDS.map(name => [name, output[`every ${name}`]]))
  const entries = childrenOf(output, 'items')
  return format === 'atom' ? atomFeed(feed, entries) : rssFeed(feed, entries, format)
}

function rssFeed(feed: unknown, entries: readonly unknown[], format: FeedFormat): PublishedFeed {
  return {
    format,
    title: html(firstText(feed, 'title')),
    link: firstText(feed, 'link'),
    description: html(firstText(feed, 'description')),
    language: firstText(feed, 'language', 'dc:language'),
    ttl: firstText(feed, 'ttl'),
    entries: entries.map(rssEntry),
  }
}

function rssEntry(entry: unknown): PublishedEntry {
  const guid = firstText(entry, 'guid')
  const isPermaLink = childrenOf(entry, 'guid').some(node => attributeOf(node, 'isPermaLink')?.toLowerCase() !== 'false')
  return {
    guid: guid ?? attributeOf(entry, 'rdf:about'),
    link: firstText(entry, 'link') ?? alternateOf(childrenOf(entry, 'atom:link')) ?? (isPermaLink && isWeb(guid) ? guid : null),
    title: html(firstText(entry, 'title', 'dc:title')),
    author: firstText(entry, 'dc:creator') ?? personName(firstText(entry, 'author', 'itunes:author')),
    published: firstText(entry, 'pubDate', 'dc:date'),
    updated: firstText(entry, 'atom:updated'),
    content: html(firstText(entry, 'content:encoded', 'description', 'itunes:summary')),
    categories: [...textsOf(entry, 'category'), ...textsOf(entry, 'dc:subject')],
    enclosures: childrenOf(entry, 'enclosure').flatMap(node =>
      enclosure(attributeOf(node, 'url'), attributeOf(node, 'type'), attributeOf(node, 'length')),
    ),
  }
}

function atomFeed(feed: unknown, entries: readonly unknown[]): PublishedFeed {
  return {
    format: 'atom',
    title: atomChild(feed, 'title'),
    link: alternateOf(childrenOf(feed, 'link')),
    description: atomChild(feed, 'subtitle') ?? atomChild(feed, 'tagline'),
    language: attributeOf(feed, 'xml:lang'),
    ttl: null,
    entries: entries.map(atomEntry),
  }
}

function atomEntry(entry: unknown): PublishedEntry {
  const links = childrenOf(entry, 'link')
  const authors = childrenOf(entry, 'author').flatMap(author => firstText(author, 'name') ?? [])
  return {
    guid: firstText(entry, 'id'),
    link: alternateOf(links),
    title: atomChild(entry, 'title'),
    author: trimmed(authors.join(', ')) ?? firstText(entry, 'dc:creator'),
    published: firstText(entry, 'published', 'issued', 'created', 'dc:date'),
    updated: firstText(entry, 'updated', 'modified'),
    content: atomChild(entry, 'content') ?? atomChild(entry, 'summary'),
    categories: [
      ...childrenOf(entry, 'category').flatMap(node => attributeOf(node, 'label') ?? attributeOf(node, 'term') ?? []),
      ...textsOf(entry, 'dc:subject'),
    ],
    enclosures: links
      .filter(link => attributeOf(link, 'rel') === 'enclosure')
      .flatMap(link => enclosure(attributeOf(link, 'href'), attributeOf(link, 'type'), attributeOf(link, 'length'))),
  }
}

function atomChild(node: unknown, name: string) {
  for (const child of childrenOf(node, name)) {
    const text = atomText(textOf(child), attributeOf(child, 'type'))
    if (text !== null) return text
  }
  return null
}

/** The page an entry is about: the first link without a `rel` or with `alternate`. */
function alternateOf(links: readonly unknown[]): string | null {
  const alternate = links.find(
    link => (attributeOf(link, 'rel') ?? 'alternate') === 'alternate' && attributeOf(link, 'href') !== null,
  )
  return attributeOf(alternate, 'href')
}

function enclosure(url: string | null, type: string | null, length: string | null): PublishedEnclosure[] {
  return url === null ? [] : [{ url, type, bytes: declaredBytes(length) }]
}

function isWeb(text: string | null): boolean {
  return text !== null && /^https?:\/\//i.test(text)
}
