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

export interface NotModified extends Validators, Asked {
  readonly kind: 'not-modified'
  readonly status: 304
  readonly cacheMaxAgeS: number | null
}

export interface FetchedDocument extends Validators, Asked {
  readonly kind: 'document'
  /** Decompressed, in an ArrayBuffer of its own: it can be transferred to a thread. */
  readonly body: Uint8Array<ArrayBuffer>
  readonly contentType: string | null
  readonly finalUrl: string
  /** Where the source has moved for good: set when every redirect was a 301 or 308; null also without redirects. */
  readonly permanentUrl: string | null
  readonly cacheMaxAgeS: number | null
  /** Bytes of the body as received, before decompression. */
  readonly wireBytes: number
}

export interface FetchFailed extends Asked {
  readonly kind: 'failed'
  readonly failure: SourceFailure
  /** Null when no response was read. */
  readonly status: number | null
  readonly retryAfterS: number | null
}

export type FetchOutcome = NotModified | FetchedDocument | FetchFailed
