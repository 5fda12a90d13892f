import { isUtf8 } from 'node:buffer'
import { isSurelyHtml } from './html-in-titles.js'
import { alternateOf, hrefOf } from './links.js'
import { mediaOf, pictureAmong } from './media.js'
import { entryDates, newest } from './newest.js'
import {
  enclosure,
  html,
  isWeb,
  joined,
  type PublishedEntry,
  type PublishedFeed,
  type PublishedText,
  plain,
  withoutRepeats,
} from './published.js'
import { askedRhythm } from './rhythm.js'
import { innerBase, type XmlBase } from './xml-base.js'
import { attributeOf, childrenOf, firstPlain, firstText, plainsOf, textOf, textsOf } from './xml-node.js'

/**
 * An Atom document, 0.3 or 1.0, from its root element.
 * @throws MarkupInText
 */
export function atomFeed(root: unknown, url: string): PublishedFeed {
  const base = innerBase(null, attributeOf(root, 'xml:base'), url)
  const all = childrenOf(root, 'entry').filter(entry => typeof entry === 'object')
  const { entries, kept } = newest(all, entryDates)
  const author = authorsOf(root)
  return {
    format: 'atom',
    title: titleOf(root),
    link: alternateOf(childrenOf(root, 'link'), base, url),
    description: firstTyped(root, 'subtitle') ?? firstTyped(root, 'tagline'),
    language: attributeOf(root, 'xml:lang') ?? firstPlain(root, 'dc:language') ?? firstPlain(root, 'language'),
    rhythm: askedRhythm([root]),
    entries: entries.map(entry => atomEntry(entry, author, base, url)),
    entryCount: all.length,
    kept,
    base,
  }
}

function atomEntry(entry: unknown, feedAuthor: string | null, outer: XmlBase, url: string): PublishedEntry {
  const base = innerBase(outer, attributeOf(entry, 'xml:base'), url)
  const links = childrenOf(entry, 'link')
  const media = mediaOf(entry)
  const id = firstPlain(entry, 'id')
  const [content] = childrenOf(entry, 'content')
  const remote = remoteContent(content)
  const original = firstPlain(entry, 'feedburner:origLink')
  const source = childrenOf(entry, 'source')[0]
  const enclosures = withoutRepeats([
    ...links
      .filter(link => /(?:^|\/)enclosure$/i.test(attributeOf(link, 'rel') ?? ''))
      .flatMap(link => enclosure(hrefOf(link, base, url), attributeOf(link, 'type'), attributeOf(link, 'length'))),
    ...remote.enclosures,
  ])
  return {
    guid: id,
    link: (isWeb(original) ? original : null) ?? alternateOf(links, base, url) ?? remote.page ?? (isWeb(id) ? id : null),
    title: titleOf(entry) ?? media.title,
    author: authorsOf(entry) ?? joined(textsOf(entry, 'dc:creator')) ?? authorsOf(source) ?? feedAuthor,
    published: plainsOf(entry, ['published', 'issued', 'created', 'dc:date']),
    updated: plainsOf(entry, ['updated', 'modified']),
    content:
      firstTyped(entry, 'content') ??
      firstTyped(entry, 'summary') ??
      html(firstText(entry, 'content:encoded')) ??
      media.description,
    categories: [
      ...childrenOf(entry, 'category').flatMap(node => attributeOf(node, 'label') ?? attributeOf(node, 'term') ?? []),
      ...textsOf(entry, 'dc:subject'),
    ],
    image: media.image ?? pictureAmong(enclosures),
    enclosures: withoutRepeats([...enclosures, ...media.enclosures]),
    base,
    contentBase: innerBase(base, attributeOf(content ?? childrenOf(entry, 'summary')[0], 'xml:base'), url),
  }
}

/** Content that is elsewhere (`src`): a page is what the entry is about, anything else an enclosure. */
function remoteContent(content: unknown) {
  const src = attributeOf(content, 'src')
  const type = attributeOf(content, 'type')
  if (src === null) return { page: null, enclosures: [] }
  const isPage = type === null || /html/i.test(type)
  return isPage ? { page: src, enclosures: [] } : { page: null, enclosures: enclosure(src, type, null) }
}

function authorsOf(node: unknown): string | null {
  return joined(
    childrenOf(node, 'author').flatMap(author => firstPlain(author, 'name') ?? firstPlain({ author: [author] }, 'author') ?? []),
  )
}

function firstTyped(node: unknown, name: string): PublishedText | null {
  for (const child of childrenOf(node, name)) {
    const text = typedText(child)
    if (text !== null) return text
  }
  return null
}

/** The standard takes a title without a type for text, publishers for what they write it in: only what is surely HTML is. */
function titleOf(node: unknown): PublishedText | null {
  const title = childrenOf(node, 'title').find(child => typedText(child) !== null)
  const text = typedText(title)
  const isUntyped = attributeOf(title, 'type') === null && attributeOf(title, 'mode') === null
  return text !== null && isUntyped && !isSurelyHtml(text.text) ? plain(text.text) : text
}

/**
 * An Atom text. Only an explicit `text` is taken at its word: without a type the standard says text as well, but publishers write HTML.
 * Null for a media type that is not text.
 */
function typedText(node: unknown): PublishedText | null {
  const type = (attributeOf(node, 'type') ?? '').toLowerCase().replace(/\s*;.*$/, '')
  const mode = attributeOf(node, 'mode')?.toLowerCase()
  const isHtml = type === '' || type === 'html' || type === 'xhtml' || /^text\/(?!plain$)|[/+]xml$/.test(type)
  const isPlain = type === 'text' || type === 'text/plain'
  if (mode === 'base64' || type === 'base64') {
    const text = decodedBase64(textOf(node))
    return isPlain ? plain(text) : isHtml || type === 'base64' ? html(text) : null
  }
  if (isPlain) return plain(textOf(node))
  return isHtml ? html(textOf(node)) : null
}

function decodedBase64(text: string | null): string | null {
  const bytes = Buffer.from(text ?? '', 'base64')
  return isUtf8(bytes) ? bytes.toString('utf8') : null
}
