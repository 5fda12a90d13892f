import type { SourceFailure } from '../document.js'

/** What a publisher sent with a document, to be given back word for word with the next request. */
export interface Validators {
  readonly etag: string | null
  readonly lastModified: string | null
}

interface Asked {
  /** HTTP requests that this took, redirects included; 0 when none was sent. */
  readonly requests: number
}

interface Located {
  /** Of the last hop, without a fragment. */
  readonly finalUrl: string
  /** Where the source has moved for good: set when every redirect was a 301 or 308; null also without redirects. */
  readonly permanentUrl: string | null
}

export interface NotModified extends Validators, Located, Asked {
  readonly kind: 'not-modified'
  readonly status: 304
  readonly cacheMaxAgeS: number | null
}

export interface FetchedDocument extends Validators, Located, Asked {
  readonly kind: 'document'
  /** Decompressed, in an ArrayBuffer of its own: it can be transferred to a thread. */
  readonly body: Uint8Array<ArrayBuffer>
  readonly contentType: string | null
  readonly cacheMaxAgeS: number | null
  /** Bytes of the body as received, before decompression. */
  readonly wireBytes: number
}

/**
 * By code: FEED_GONE is a 410; FEED_CHALLENGED a firewall's test for browsers; FEED_LIMITED "too many requests" in any of its forms;
 * FEED_HTTP_STATUS any other status that brings no document.
 */
export interface FetchFailed extends Asked {
  readonly kind: 'failed'
  readonly failure: SourceFailure
  /** Null when no response was read. */
  readonly status: number | null
  /** Null when the publisher does not say. */
  readonly retryAfterS: number | null
  /** Seconds that no feed of the host is to be asked; null unless the publisher asked for that. */
  readonly hostQuietS: number | null
  /** The hop that failed, as `hostOf` writes it; null for what is not an http(s) URL, as are the two below. */
  readonly host: string | null
  readonly finalUrl: string | null
  /** The moves up to the hop that failed: where the source would be if that one worked. */
  readonly permanentUrl: string | null
}

/** The host asked, on whatever occasion, to be left alone: nothing was sent to it, and nothing failed. */
export interface FetchPostponed extends Asked, Located {
  readonly kind: 'postponed'
  readonly reason: string
  readonly retryAfterS: number
  /** As `hostOf` writes it: the publisher's, or where it redirected to. `requests` is then not 0. */
  readonly host: string
}

export type FetchOutcome = NotModified | FetchedDocument | FetchFailed | FetchPostponed
