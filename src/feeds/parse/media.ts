import type { Enclosure } from '../document.js'
import { isSurelyHtml } from './html-in-titles.js'
import { enclosure, html, type PublishedText, plain } from './published.js'
import { attributeOf, childrenOf, firstPlain, plainOf } from './xml-node.js'

/** What Media RSS and iTunes say of an entry. */
export interface EntryMedia {
  readonly image: string | null
  readonly enclosures: readonly Enclosure[]
  readonly title: PublishedText | null
  readonly description: PublishedText | null
}

const PARTS = ['media:group', 'media:content', 'media:thumbnail', 'media:title', 'media:description', 'itunes:image', 'image']
const IMAGE_FILE = /^[^?#]*\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|$)/i
/** Pixels: what is no larger is the face of an author, or a badge. */
const ICON_SIDE = 96
/** The side that an address asks for, as those of avatars do. */
const SIDE_IN_URL = /[?&](?:s|sz|size|w|width|h|height)=(\d{1,4})(?=&|#|$)/i
const NONE: EntryMedia = { image: null, enclosures: [], title: null, description: null }

/**
 * Media RSS in the entry, in its groups and in their contents. Title and description are those of the entry and its groups: what a content says is
 * about that file, the name of an avatar for one.
 */
export function mediaOf(entry: unknown): EntryMedia {
  if (!PARTS.some(part => childrenOf(entry, part).length > 0)) return NONE
  const groups = [entry, ...childrenOf(entry, 'media:group')]
  const contents = groups.flatMap(group => childrenOf(group, 'media:content'))
  return {
    image:
      widest([...groups, ...contents].flatMap(place => childrenOf(place, 'media:thumbnail'))) ??
      coverOf(childrenOf(entry, 'itunes:image')) ??
      widest(contents.filter(node => isImage(node) && !isIcon(node))) ??
      coverOf(childrenOf(entry, 'image')),
    enclosures: contents.flatMap(node =>
      enclosure(attributeOf(node, 'url'), attributeOf(node, 'type'), attributeOf(node, 'fileSize')),
    ),
    title: firstOf(groups, 'media:title'),
    description: firstOf(groups, 'media:description'),
  }
}

/** The first picture among the enclosures of an entry; null for none. */
export function pictureAmong(enclosures: readonly Enclosure[]): string | null {
  return enclosures.find(({ url, type }) => (type === null ? IMAGE_FILE.test(url) : /^image\//i.test(type)))?.url ?? null
}

/** The address of the widest picture; the first one when they do not say how wide they are. */
function widest(nodes: readonly unknown[]): string | null {
  let best: { url: string; width: number } | null = null
  for (const node of nodes) {
    const url = attributeOf(node, 'url') ?? (typeof node === 'string' ? node.trim() : '')
    const width = sideOf(node, 'width') ?? 0
    if (url !== '' && (best === null || width > best.width)) best = { url, width }
  }
  return best?.url ?? null
}

/** By its medium, else its media type, else the name of its file. */
function isImage(node: unknown): boolean {
  const medium = attributeOf(node, 'medium')
  const type = attributeOf(node, 'type')
  if (medium !== null) return medium.toLowerCase() === 'image'
  return type === null ? IMAGE_FILE.test(attributeOf(node, 'url') ?? '') : /^image\//i.test(type)
}

/** By its sides, else by the one that its address asks for. */
function isIcon(node: unknown): boolean {
  const side = sideOf(node, 'width') ?? sideOf(node, 'height') ?? Number(SIDE_IN_URL.exec(attributeOf(node, 'url') ?? '')?.[1])
  return side <= ICON_SIDE
}

/** In pixels; null when it is not said. */
function sideOf(node: unknown, name: 'width' | 'height'): number | null {
  return Number(attributeOf(node, name) ?? 0) || null
}

/** As an attribute, as an element, or as the text. */
function coverOf(nodes: readonly unknown[]): string | null {
  for (const node of nodes) {
    const text = typeof node === 'string' ? node.trim() : ''
    const url = attributeOf(node, 'href') ?? attributeOf(node, 'url') ?? firstPlain(node, 'url') ?? text
    if (url !== '') return url
  }
  return null
}

/** Plain text by the standard, unless it says that it is HTML or cannot be anything else. */
function firstOf(places: readonly unknown[], name: string): PublishedText | null {
  for (const node of places.flatMap(place => childrenOf(place, name))) {
    const text = plainOf(node)
    if (text === null) continue
    const type = attributeOf(node, 'type')?.toLowerCase() ?? ''
    return type === 'html' || (type !== 'plain' && isSurelyHtml(text)) ? html(text) : plain(text)
  }
  return null
}
