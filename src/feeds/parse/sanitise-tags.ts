import type { Tag, Attributes as WrittenAttributes } from 'sanitize-html'
import { linkIn, webUrlIn } from './sanitise-links.js'
import { type Attributes, isInvisible, pixels, sourceOf } from './sanitise-media.js'
import { type Element, WRITTEN } from './sanitise-policy.js'
import { decodeReferences } from './sanitise-references.js'

/** Behind it no more tags are written: with a long base, a short relative URL grows two-hundredfold. Twice what is read of a post. */
const MAX_TAG_CHARS = 1024 * 1024

/** Each is an address that a browser tries in turn. */
const MAX_SOURCES = 8

const SOURCE_AHEAD = /\s*<source\s([^>]*)>/iy
const SRC = /(?:^|\s)src\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))/i

const REL = 'noopener noreferrer nofollow'

/** A name that sanitize-html does not let pass. */
const DROPPED: Tag = { tagName: '', attribs: {} }

const BARE: ReadonlyMap<string, Tag> = new Map(WRITTEN.map(tagName => [tagName, { tagName, attribs: {} }]))

/** What is written for the tags of one post, in their order: URLs absolute, of each attribute only what its form allows. */
export class SafeTags {
  /** What the next tag is to be written as. */
  element: Element | null = null
  /** Whether the last tag is. */
  isWritten = true
  /** Whether the tag stands in a link. */
  isInLink = false
  private hasSource = false
  private sources = 0
  private chars = 0
  /** What a frame was made into, for `transform`. */
  private framed: Tag | null = null

  constructor(private readonly base: string) {}

  /** For every tag, in `transformTags` of sanitize-html. */
  readonly transform = (_given: string, attributes: Attributes): Tag => {
    const { framed, element } = this
    this.framed = null
    if (framed !== null) return framed
    const isLeft = element !== null && (this.hasRoom || element.name === 'source')
    return this.counted(isLeft ? this.tagOf(element, attributes) : null)
  }

  /** For frames there, before `transform`: only so the text counts. What a player's frame would have shown is still one click away. */
  readonly frame = (_given: string, attributes: Attributes): Tag => {
    const href = this.hasRoom && !isInvisible(attributes) ? sourceOf(attributes, this.base) : null
    const link: Tag = this.isInLink ? { tagName: 'span', attribs: {} } : { tagName: 'a', attribs: { href: href ?? '', rel: REL } }
    this.framed = this.counted(href === null ? null : { ...link, text: href })
    return this.framed
  }

  /** The tag of a player ends at that place of the text: one that names no source itself is written when the first thing in it does. */
  expectSource(html: string, at: number): void {
    SOURCE_AHEAD.lastIndex = at
    const src = SRC.exec(SOURCE_AHEAD.exec(html)?.[1] ?? '')
    const raw = src?.[1] ?? src?.[2] ?? src?.[3]
    this.hasSource = raw !== undefined && webUrlIn(decodeReferences(raw, 'attribute'), this.base) !== null
  }

  private tagOf({ name, isPlayer, forms }: Element, attributes: Attributes): Tag | null {
    if (name === 'a') return { tagName: 'a', attribs: this.link(attributes) }
    if (name === 'img') return this.image(attributes)
    if (name === 'source') return this.source(attributes)
    if (isPlayer) return this.player(name, attributes)
    return forms === null ? (BARE.get(name) ?? null) : { tagName: name, attribs: plainAttributes(forms, attributes) }
  }

  private link({ href, title }: Attributes): WrittenAttributes {
    const url = linkIn(href, this.base)
    const attribs: WrittenAttributes = url === null ? {} : { href: url, rel: REL }
    if (title !== undefined) attribs.title = title
    return attribs
  }

  /** `srcset` is not kept: `src` is what every reader shows, and what is stored as media; each candidate would be one more address to judge. */
  private image(attributes: Attributes): Tag | null {
    const src = isInvisible(attributes) ? null : sourceOf(attributes, this.base)
    if (src === null) return null
    const attribs: WrittenAttributes = { src }
    if (attributes.alt !== undefined) attribs.alt = attributes.alt
    if (attributes.title !== undefined) attribs.title = attributes.title
    addSize(attribs, attributes)
    attribs.loading = 'lazy'
    return { tagName: 'img', attribs }
  }

  private player(tagName: string, attributes: Attributes): Tag | null {
    const src = sourceOf(attributes, this.base)
    if (src === null && !this.hasSource) return null
    this.sources = 0
    const attribs: WrittenAttributes = src === null ? {} : { src }
    if (tagName === 'video') {
      const poster = webUrlIn(attributes.poster, this.base)
      if (poster !== null) attribs.poster = poster
      addSize(attribs, attributes)
    }
    attribs.controls = ''
    attribs.preload = 'none'
    return { tagName, attribs }
  }

  private source(attributes: Attributes): Tag | null {
    const src = webUrlIn(attributes.src, this.base)
    if (src === null || this.sources === MAX_SOURCES) return null
    this.sources++
    const type = /^\s*((?:audio|video|application)\/[\w.+-]+)/.exec(attributes.type ?? '')?.[1]
    return { tagName: 'source', attribs: { src, ...(type !== undefined && { type }) } }
  }

  private get hasRoom(): boolean {
    return this.chars < MAX_TAG_CHARS
  }

  private counted(tag: Tag | null): Tag {
    this.isWritten = tag !== null
    if (tag === null) return DROPPED
    this.chars += charsOf(tag)
    return tag
  }
}

function plainAttributes(forms: Readonly<Record<string, RegExp>>, attributes: Attributes): WrittenAttributes {
  const written: WrittenAttributes = {}
  for (const attribute in attributes) {
    const value = forms[attribute]?.exec((attributes[attribute] ?? '').trim())?.[0]
    if (value !== undefined) written[attribute] = value
  }
  return written
}

function addSize(written: WrittenAttributes, attributes: Attributes): void {
  const width = pixels(attributes.width)
  if (width !== null) written.width = width
  const height = pixels(attributes.height)
  if (height !== null) written.height = height
}

function charsOf({ tagName, attribs, text }: Tag): number {
  let chars = 5 + 2 * tagName.length + (text?.length ?? 0)
  for (const name in attribs) chars += name.length + (attribs[name]?.length ?? 0) + 4
  return chars
}
