import type { FailureCode } from '../../kernel/errors.js'
import { hostOf } from '../urls.js'
import { cacheMaxAgeS } from './cache-age.js'
import type { Reply } from './exchange.js'
import type { FetchFailed, FetchOutcome } from './outcome.js'
import type { Trail } from './redirects.js'
import type { Refusal } from './refusals.js'
import { retryAfterS } from './retry-after.js'

const MAX_VALIDATOR_CHARS = 1_000

interface Circumstances {
  readonly refusal: Refusal | null
  /** Seconds that all feeds of the host are to wait; null for none. */
  readonly hostQuietS: number | null
  /** Validators were sent, so that a 304 is an answer to them. */
  readonly conditional: boolean
}

/** What the last answer of a fetch means. */
export function outcomeOf(reply: Reply, trail: Trail, { refusal, hostQuietS, conditional }: Circumstances): FetchOutcome {
  const { status, header, body, wireBytes } = reply
  const now = Date.now()
  const { requests, finalUrl, permanentUrl } = trail
  const located = { finalUrl, permanentUrl, requests }
  if (refusal === null) {
    const kept = {
      etag: validator(header('etag')),
      lastModified: validator(header('last-modified')),
      cacheMaxAgeS: cacheMaxAgeS(header('cache-control'), header('expires'), now),
    }
    if (status === 304 && conditional) return { kind: 'not-modified', status, ...kept, ...located }
    if (body !== null && body.byteLength > 0) {
      return { kind: 'document', body, contentType: header('content-type'), wireBytes, ...kept, ...located }
    }
  }
  const { code, message } = spoken(status, refusal, body !== null)
  return { ...failed(code, message, trail), status, retryAfterS: retryAfterS(header('retry-after'), now), hostQuietS }
}

/** A failure without an answer. `trail` null: there was no URL to ask. */
export function failed(code: FailureCode, message: string, trail: Trail | null): FetchFailed {
  return {
    kind: 'failed',
    failure: { code, message },
    status: null,
    retryAfterS: null,
    hostQuietS: null,
    host: trail === null ? null : hostOf(trail.url.href),
    finalUrl: trail?.finalUrl ?? null,
    permanentUrl: trail?.permanentUrl ?? null,
    requests: trail?.requests ?? 0,
  }
}

function spoken(status: number, refusal: Refusal | null, succeeded: boolean): { code: FailureCode; message: string } {
  if (refusal === 'challenged') return { code: 'FEED_CHALLENGED', message: `HTTP ${status}, a challenge for bots` }
  if (refusal === 'limited') return { code: 'FEED_LIMITED', message: `HTTP ${status}, too many requests for the publisher` }
  if (succeeded) return { code: 'FEED_EMPTY', message: `the answer has no body (HTTP ${status})` }
  if (status === 410) return { code: 'FEED_GONE', message: 'the feed is gone for good (HTTP 410)' }
  if (status === 304) return { code: 'FEED_HTTP_STATUS', message: 'HTTP 304 to a request without validators' }
  return { code: 'FEED_HTTP_STATUS', message: `HTTP ${status}` }
}

function validator(header: string | null): string | null {
  return header === null || header === '' || header.length > MAX_VALIDATOR_CHARS ? null : header
}
