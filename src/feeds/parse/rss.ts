import type { FeedFormat } from '../document.js'
import { alternateOf } from './links.js'
import { mediaOf, pictureAmong } from './media.js'
import { entryDates, newest, PUBLISHED } from './newest.js'
import {
  enclosure,
  html,
  isWeb,
  joined,
  type PublishedEntry,
  type PublishedFeed,
  personName,
  withoutRepeats,
} from './published.js'
import { askedRhythm } from './rhythm.js'
import { innerBase, resolved, type XmlBase } from './xml-base.js'
import { attributeOf, childrenOf, firstPlain, firstText, plainsOf, plainTexts, textsOf } from './xml-node.js'

/** A scheme and nothing behind it. */
const NO_HOST = /^https?:\/*$/i

const CONTENT = [
  'content:encoded',
  'xhtml:body',
  'description',
  'atom:content',
  'atom:summary',
  'itunes:summary',
  'itunes:subtitle',
]

/**
 * An RSS or RDF document from its root element. Entries may stand in the channel or beside it.
 * @throws MarkupInText
 */
export function rssFeed(root: unknown, format: FeedFormat, url: string): PublishedFeed {
  const isChannel = childrenOf(root, 'channel').length === 0 && childrenOf(root, 'title').length > 0
  const channels = isChannel ? [root] : childrenOf(root, 'channel')
  const channel = channels[0] ?? root
  const outer = innerBase(null, attributeOf(root, 'xml:base'), url)
  const base = isChannel ? outer : innerBase(outer, attributeOf(channel, 'xml:base'), url)
  const places = isChannel ? channels : [...channels, root]
  const all = places.flatMap(place => childrenOf(place, 'item')).filter(entry => typeof entry === 'object')
  const { entries, kept } = newest(all, entryDates)
  return {
    format,
    title: html(firstText(channel, 'title', 'dc:title')),
    link:
      firstPlain(channel, 'link') ??
      alternateOf([...childrenOf(channel, 'atom:link'), ...childrenOf(channel, 'link')], base, url),
    description: html(firstText(channel, 'description', 'itunes:summary')),
    language: firstPlain(channel, 'language') ?? firstPlain(channel, 'dc:language') ?? attributeOf(root, 'xml:lang'),
    rhythm: askedRhythm(places),
    entries: entries.map(entry => rssEntry(entry, base, url)),
    entryCount: all.length,
    kept,
    base,
  }
}

function rssEntry(entry: unknown, outer: XmlBase, url: string): PublishedEntry {
  const base = innerBase(outer, attributeOf(entry, 'xml:base'), url)
  const media = mediaOf(entry)
  const guid = firstPlain(entry, 'guid')
  const enclosures = enclosuresOf(entry, base, url)
  const content = CONTENT.find(name => firstText(entry, name) !== null)
  return {
    guid: guid ?? attributeOf(entry, 'rdf:about'),
    link: linkOf(entry, guid, base, url),
    title: html(firstText(entry, 'title', 'dc:title', 'itunes:title')) ?? media.title,
    author: authorOf(entry),
    published: plainsOf(entry, PUBLISHED),
    updated: plainsOf(entry, ['atom:updated', 'dcterms:modified']),
    content: html(content === undefined ? null : firstText(entry, content)) ?? media.description,
    categories: [...textsOf(entry, 'category'), ...textsOf(entry, 'dc:subject')],
    image: media.image ?? pictureAmong(enclosures),
    enclosures: withoutRepeats([...enclosures, ...media.enclosures]),
    base,
    contentBase: content === undefined ? null : innerBase(base, attributeOf(childrenOf(entry, content)[0], 'xml:base'), url),
  }
}

/** FeedBurner's `link` leads over its counter; `feedburner:origLink` is the publisher's own. */
function linkOf(entry: unknown, guid: string | null, base: XmlBase, url: string): string | null {
  const original = firstPlain(entry, 'feedburner:origLink')
  if (isWeb(original)) return original
  const [own] = childrenOf(entry, 'link')
  const link = plainTexts(entry, 'link').find(text => !NO_HOST.test(text))
  if (link !== undefined)
    return resolved(link, attributeOf(own, 'xml:base') === null ? null : innerBase(base, attributeOf(own, 'xml:base'), url))
  const alternate = alternateOf([...childrenOf(entry, 'atom:link'), ...childrenOf(entry, 'link')], base, url)
  return alternate ?? (isWeb(guid) && isPermaLink(entry) ? guid : null)
}

function isPermaLink(entry: unknown): boolean {
  return childrenOf(entry, 'guid').some(node => {
    const said = attributeOf(node, 'isPermaLink') ?? attributeOf(node, 'isPermalink')
    return said?.toLowerCase() !== 'false'
  })
}

function authorOf(entry: unknown): string | null {
  return (
    joined(textsOf(entry, 'dc:creator')) ??
    joined(childrenOf(entry, 'atom:author').flatMap(author => firstPlain(author, 'atom:name') ?? [])) ??
    joined(plainTexts(entry, 'author').flatMap(author => personName(author) ?? [])) ??
    joined(childrenOf(entry, 'author').flatMap(author => firstPlain(author, 'name') ?? [])) ??
    personName(firstPlain(entry, 'itunes:author'))
  )
}

function enclosuresOf(entry: unknown, base: XmlBase, url: string) {
  return childrenOf(entry, 'enclosure').flatMap(node => {
    const address = attributeOf(node, 'url') ?? attributeOf(node, 'href')
    const own = attributeOf(node, 'xml:base')
    const full = address === null || own === null ? address : resolved(address, innerBase(base, own, url))
    return enclosure(full, attributeOf(node, 'type'), attributeOf(node, 'length'))
  })
}
