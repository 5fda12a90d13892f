import type { Enclosure } from '../document.js'
import { enclosure } from './published.js'
import { attributeOf, childrenOf, firstPlain } from './xml-node.js'

/** What Media RSS and iTunes say of an entry. */
export interface EntryMedia {
  readonly image: string | null
  readonly enclosures: readonly Enclosure[]
  readonly title: string | null
  readonly description: string | null
}

const PARTS = ['media:group', 'media:content', 'media:thumbnail', 'media:title', 'media:description', 'itunes:image', 'image']
const IMAGE_FILE = /^[^?#]*\.(?:jpe?g|png|gif|webp|avif)(?:[?#]|$)/i
const NONE: EntryMedia = { image: null, enclosures: [], title: null, description: null }

/** Media RSS in the entry, in its groups and in their contents. */
export function mediaOf(entry: unknown): EntryMedia {
  if (!PARTS.some(part => childrenOf(entry, part).length > 0)) return NONE
  const groups = [entry, ...childrenOf(entry, 'media:group')]
  const contents = groups.flatMap(group => childrenOf(group, 'media:content'))
  const places = [...groups, ...contents]
  return {
    image:
      widest(places.flatMap(place => childrenOf(place, 'media:thumbnail'))) ??
      widest(contents.filter(isImage)) ??
      coverOf(childrenOf(entry, 'itunes:image')) ??
      coverOf(childrenOf(entry, 'image')),
    enclosures: contents.flatMap(node =>
      enclosure(attributeOf(node, 'url'), attributeOf(node, 'type'), attributeOf(node, 'fileSize')),
    ),
    title: firstOf(places, 'media:title'),
    description: firstOf(places, 'media:description'),
  }
}

/** The address of the widest picture; the first one when they do not say how wide they are. */
function widest(nodes: readonly unknown[]): string | null {
  let best: { url: string; width: number } | null = null
  for (const node of nodes) {
    const url = attributeOf(node, 'url') ?? (typeof node === 'string' ? node.trim() : '')
    const width = Number(attributeOf(node, 'width') ?? 0) || 0
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

/** As an attribute, as an element, or as the text. */
function coverOf(nodes: readonly unknown[]): string | null {
  for (const node of nodes) {
    const text = typeof node === 'string' ? node.trim() : ''
    const url = attributeOf(node, 'href') ?? attributeOf(node, 'url') ?? firstPlain(node, 'url') ?? text
    if (url !== '') return url
  }
  return null
}

function firstOf(places: readonly unknown[], name: string): string | null {
  for (const place of places) {
    const text = firstPlain(place, name)
    if (text !== null) return text
  }
  return null
}
