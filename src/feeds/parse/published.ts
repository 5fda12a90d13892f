import type { FeedFormat } from '../document.js'

/** Text as published: `html` may hold tags and entities, `plain` means every character as it is. */
export interface PublishedText {
  readonly text: string
  readonly kind: 'html' | 'plain'
}

export interface PublishedEnclosure {
  readonly url: string
  readonly type: string | null
  readonly bytes: number | null
}

/** One entry as the publisher wrote it, whatever the format and whichever library read it. Texts are trimmed and never ''. */
export interface PublishedEntry {
  readonly guid: string | null
  readonly link: string | null
  readonly title: PublishedText | null
  readonly author: string | null
  readonly published: string | null
  readonly updated: string | null
  readonly content: PublishedText | null
  readonly categories: readonly string[]
  readonly enclosures: readonly PublishedEnclosure[]
}

export interface PublishedFeed {
  readonly format: FeedFormat
  readonly title: PublishedText | null
  readonly link: string | null
  readonly description: PublishedText | null
  readonly language: string | null
  readonly ttl: string | null
  readonly entries: readonly PublishedEntry[]
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

/**
 * An Atom text. Only an explicit `text` is taken at its word: without a type the standard says text as well, but publishers write HTML.
 * Null for a media type that is not text (base64 and the like).
 */
export function atomText(text: string | null | undefined, type: string | null | undefined): PublishedText | null {
  const kind = (type ?? '').trim().toLowerCase()
  if (kind === 'text' || kind === 'text/plain') return plain(text)
  return kind === '' || kind === 'html' || kind === 'xhtml' || /^text\/|xml$/.test(kind) ? html(text) : null
}

/** The name in `jane@example.org (Jane)` and `Jane <jane@example.org>`, else the whole. */
export function personName(text: string | null | undefined): string | null {
  const bare = trimmed(text)
  if (bare === null || bare.length > 500) return bare
  const named = /^\S+@\S+\s*\(([^()]+)\)$/.exec(bare) ?? /^([^<>]+?)\s*<\S+@\S+>$/.exec(bare)
  return trimmed(named?.[1]) ?? bare
}

/** `length` of an enclosure as declared; publishers write '', 0 and words there. */
export function declaredBytes(length: string | number | null | undefined): number | null {
  const bytes = typeof length === 'string' ? (/^\s*\d+\s*$/.test(length) ? Number(length) : Number.NaN) : (length ?? Number.NaN)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null
}
