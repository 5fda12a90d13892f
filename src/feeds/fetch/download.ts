import type { FailureCode } from '../../kernel/errors.js'
import type { SourceFailure } from '../document.js'
import type { Reply } from './exchange.js'
import type { FetchPostponed } from './outcome.js'
import type { Refusal } from './refusals.js'
import { retryAfterS } from './retry-after.js'

export interface Download {
  /** The Accept header. */
  readonly accept: string
  /** For everything with its redirects, not counting the time it waits for its turn. */
  readonly timeoutMs: number
  /** Bound of the bytes received and of the bytes after decompression. */
  readonly maxBytes: number
}

/** `postponed`: nothing was sent to the host that asked to be left alone, and nothing failed. Codes are those of `FetchFailed`. */
export type DownloadOutcome =
  | { readonly kind: 'arrived'; readonly contentType: string | null }
  | { readonly kind: 'failed'; readonly failure: SourceFailure; readonly retryAfterS: number | null }
  | Pick<FetchPostponed, 'kind' | 'reason' | 'retryAfterS'>

/** With a body that is the whole: 206 is a part, which nobody asked for. */
const WHOLE: ReadonlySet<number> = new Set([200, 203])

/** What the last answer of a download means, whose body is in the sink. */
export function downloadOf({ status, header }: Reply, refusal: Refusal | null): DownloadOutcome {
  if (refusal === null && WHOLE.has(status)) return { kind: 'arrived', contentType: header('content-type') }
  const { code, words } = spoken(status, refusal)
  const failure = { code, message: `HTTP ${status}${words}` }
  return { kind: 'failed', failure, retryAfterS: retryAfterS(header('retry-after'), Date.now()) }
}

function spoken(status: number, refusal: Refusal | null): { code: FailureCode; words: string } {
  if (refusal === 'challenged') return { code: 'FEED_CHALLENGED', words: ', a challenge for bots' }
  if (refusal === 'limited') return { code: 'FEED_LIMITED', words: ', too many requests for the publisher' }
  if (status === 410) return { code: 'FEED_GONE', words: ', gone for good' }
  return { code: 'FEED_HTTP_STATUS', words: '' }
}
