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
  /** The picture that stands for the entry (thumbnail, cover): an absolute http(s) URL, or null. */
  readonly image: string | null
  readonly enclosures: readonly Enclosure[]
}

/** How often the feed changes: as it says, and as its posts show. */
export interface Rhythm {
  /** Minutes it asks to be left alone (`<ttl>`); null when it does not say. */
  readonly ttlMinutes: number | null
  /** Minutes between updates by `sy:updatePeriod` and `sy:updateFrequency`; null when it does not say. */
  readonly updateMinutes: number | null
  /** Hours, 0 to 23 GMT, in which it asks not to be read; sorted, never all 24. */
  readonly skipHours: readonly number[]
  /** Days, 0 (Sunday) to 6 GMT, on which it asks not to be read; sorted, never all 7. */
  readonly skipDays: readonly number[]
  /** Median ms between its newest dated posts; null with fewer than three of them. */
  readonly postIntervalMs: number | null
}

/** Something an operator should know about a document that was read all the same. */
export interface Notice {
  readonly code: NoticeCode
  readonly message: string
}

/**
 * - `POSTS_CUT`: it has more posts than are read of one document; the first ones are kept, or the last ones when the newest stand there.
 * - `CONTENT_CUT`: contents of posts are longer than what is kept of one.
 * - `DOCUMENT_BROKEN`: its XML breaks; the posts before and after the break were kept.
 * - `POSTS_REPEATED`: entries that have the guid and link of another, or repeat it in everything, were left out.
 */
export type NoticeCode = 'POSTS_CUT' | 'CONTENT_CUT' | 'DOCUMENT_BROKEN' | 'POSTS_REPEATED'

/** A feed document after parsing and sanitising: what tenants store, whatever the driver. */
export interface FeedDocument {
  readonly format: FeedFormat
  readonly title: string
  readonly link: string | null
  readonly description: string | null
  readonly language: string | null
  readonly rhythm: Rhythm
  /** What could not be kept of the document; empty for most. */
  readonly notices: readonly Notice[]
  /** In document order, at most `MAX_POSTS`. */
  readonly posts: readonly DocumentPost[]
}

/** What went wrong with one source, as told to operators and kept in the catalog. */
export interface SourceFailure {
  readonly code: FailureCode
  readonly message: string
}
