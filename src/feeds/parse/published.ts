import type { Enclosure, FeedFormat, Rhythm } from '../document.js'
import type { XmlBase } from './xml-base.js'

/** Text as published: `html` may hold tags and entities, `plain` means every character as it is. */
export interface PublishedText {
  readonly text: string
  readonly kind: 'html' | 'plain'
}

/** One entry as the publisher wrote it, whatever the format. Texts are trimmed and never ''. */
export interface PublishedEntry {
  readonly guid: string | null
  readonly link: string | null
  readonly title: PublishedText | null
  readonly author: string | null
  /** Dates as written, the likeliest first; some may be unreadable. */
  readonly published: readonly string[]
  readonly updated: readonly string[]
  readonly content: PublishedText | null
  readonly categories: readonly string[]
  readonly image: string | null
  readonly enclosures: readonly Enclosure[]
  /** What references of the entry are resolved against, when it says so itself. */
  readonly base: XmlBase
  /** The same for the content. */
  readonly contentBase: XmlBase
}

/** What a feed says about when it is to be read. */
export type AskedRhythm = Omit<Rhythm, 'postIntervalMs'>

/** Which entries of a document that has too many are read. */
export type Kept = 'first' | 'last'

export interface PublishedFeed {
  readonly format: FeedFormat
  readonly title: PublishedText | null
  readonly link: string | null
  readonly description: PublishedText | null
  readonly language: string | null
  readonly rhythm: AskedRhythm
  /** At most `MAX_POSTS`. */
  readonly entries: readonly PublishedEntry[]
  /** Entries of the document, those beyond `MAX_POSTS` as well. */
  readonly entryCount: number
  /** Which of them `entries` are, when there are more. */
  readonly kept: Kept
  readonly base: XmlBase
}

/** Null for what is only white space. */
export function trimmed(text: string | null | undefined): string | null {
  const bare = text?.trim() ?? ''
  return bare === '' ? null : bare
}

export function html(text: string | null | undefined): PublishedText | null {
  const bare = trimmed(text)
  return bare === null ? null : { text: bare, kind: 'html' }
}

export function plain(text: string | null | undefined): PublishedText | null {
  const bare = trimmed(text)
  return bare === null ? null : { text: bare, kind: 'plain' }
}

/** The name in `jane@example.org (Jane)` and `Jane <jane@example.org>`, else the whole. */
export function personName(text: string | null | undefined): string | null {
  const bare = trimmed(text)
  if (bare === null || bare.length > 500) return bare
  const named = /^\S+@\S+\s*\(([^()]+)\)$/.exec(bare) ?? /^([^<>]+?)\s*<\S+@\S+>$/.exec(bare)
  return trimmed(named?.[1]) ?? bare
}

/** Several authors as one text, each once; null for none. */
export function joined(names: readonly string[]): string | null {
  return trimmed([...new Set(names)].join(', '))
}

/** `length` of an enclosure as declared; publishers write '', 0 and words there. */
export function declaredBytes(length: string | number | null | undefined): number | null {
  const bytes = typeof length === 'string' ? (/^\s*\d+\s*$/.test(length) ? Number(length) : Number.NaN) : (length ?? Number.NaN)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
}

export function enclosure(url: string | null, type: string | null, length: string | number | null | undefined): Enclosure[] {
  return url === null ? [] : [{ url, type, bytes: declaredBytes(length) }]
}

/** The first of each URL. */
export function withoutRepeats(enclosures: readonly Enclosure[]): Enclosure[] {
  if (enclosures.length < 2) return [...enclosures]
  const urls = new Set<string>()
  return enclosures.filter(({ url }) => !urls.has(url) && urls.add(url))
}

export function isWeb(text: string | null): boolean {
  return text !== null && /^https?:\/\//i.test(text)
}
