import type { FailureCode } from '../kernel/errors.js'

export type FeedFormat = 'rss' | 'atom' | 'rdf' | 'json'

export interface Enclosure {
  readonly url: string
  /** MIME type as declared; null when the feed names none. */
  readonly type: string | null
  /** Size as declared, in bytes; null when unknown. */
  readonly bytes: number | null
}

/** One entry of a feed document, normalised and sanitised. Times are milliseconds since the epoch, UTC. */
export interface DocumentPost {
  /** The publisher's id of the entry: guid, else link, else a hash of title and content. Unique within its document. */
  readonly guid: string
  /** 22 base64url characters of SHA-256 over `guid`: the key a post is recognised by. */
  readonly guidHash: string
  /** 22 base64url characters of SHA-256 over the entry as published (before sanitising): differs when the post changed. */
  readonly contentHash: string
  /** Absolute http(s) URL, or null. */
  readonly url: string | null
  /** Plain text; '' when the entry has none. */
  readonly title: string
  readonly author: string | null
  readonly publishedAt: number | null
  readonly updatedAt: number | null
  /** Sanitised HTML; '' when the entry has none. */
  readonly content: string
  readonly categories: readonly string[]
  readonly enclosures: readonly Enclosure[]
}

/** A feed document after parsing and sanitising: what tenants store, whatever the driver. */
export interface FeedDocument {
  readonly format: FeedFormat
  readonly title: string
  readonly link: string | null
  readonly description: string | null
  readonly language: string | null
  /** Minutes the feed asks to be left alone (`<ttl>`); null when it does not say. */
  readonly ttlMinutes: number | null
  /** In document order, at most `MAX_POSTS`. */
  readonly posts: readonly DocumentPost[]
}

/** What went wrong with one source, as told to operators and kept in the catalog. */
export interface SourceFailure {
  readonly code: FailureCode
  readonly message: string
}
