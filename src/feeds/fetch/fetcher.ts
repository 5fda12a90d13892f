import { Agent } from 'undici'
import { Failure, type FailureCode, isFailure } from '../../kernel/errors.js'
import { type AddressGuard, createAddressGuard } from './addresses.js'
import { ACCEPT_ENCODING } from './body.js'
import { cacheMaxAgeS } from './cache-age.js'
import { createConnector } from './connector.js'
import { exchange, type Reply, StaleConnection } from './exchange.js'
import type { FetchFailed, FetchOutcome, Validators } from './outcome.js'
import { Trail } from './redirects.js'
import { retryAfterS } from './retry-after.js'
import { HostSlots } from './slots.js'

export type { FetchedDocument, FetchFailed, FetchOutcome, NotModified, Validators } from './outcome.js'

export interface FetcherOptions {
  /** CIDRs, addresses and hosts exempt from the address and port guards, as in `createAddressGuard`. */
  readonly allow: readonly string[]
  readonly concurrency: number
  readonly perHost: number
  /** For one fetch with its redirects, not counting the time it waits for a slot. */
  readonly timeoutMs: number
  readonly maxBodyBytes: number
  readonly maxRedirects: number
  readonly userAgent: string
}

const ACCEPT =
  'application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5'
const KEEP_ALIVE_MS = 4_000
const MAX_VALIDATOR_CHARS = 1_000

/** Fetches feed documents over HTTP. Holds connections until `close`. */
export class Fetcher {
  /** HTTP requests sent so far, redirects included. */
  requests = 0
  /** Bytes of bodies received so far, before decompression. */
  bytes = 0
  private readonly agent: Agent
  private readonly guard: AddressGuard
  private readonly slots: HostSlots

  /** @throws {Failure} CONFIG_INVALID for an entry of `allow` that cannot be read */
  constructor(private readonly options: FetcherOptions) {
    this.guard = createAddressGuard(options.allow)
    this.slots = new HostSlots(options.concurrency, options.perHost)
    this.agent = new Agent({
      connect: createConnector(this.guard, options.timeoutMs),
      connections: options.perHost,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    })
  }

  /**
   * Asks for a feed, conditionally when there are validators. Whatever the publisher does is an outcome;
   * rejects only with the signal's reason, when it aborts. `room` resolves when the caller can take another document:
   * it is awaited with the slot in hand, so that what is fetched and what waits to be read is bounded together.
   */
  async fetch(
    url: string,
    validators: Validators,
    signal: AbortSignal,
    room: () => Promise<void> = async () => {},
  ): Promise<FetchOutcome> {
    let trail: Trail | null = null
    try {
      trail = new Trail(url, this.options.maxRedirects)
      return await this.follow(trail, validators, signal, room)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!isFailure(error)) throw error
      return failed(error.code, error.message, trail?.requests ?? 0)
    }
  }

  /** Cuts what is in flight and closes every connection. */
  close(): Promise<void> {
    return this.agent.destroy()
  }

  private async follow(
    trail: Trail,
    validators: Validators,
    signal: AbortSignal,
    room: () => Promise<void>,
  ): Promise<FetchOutcome> {
    const headers = this.headersFor(validators)
    let remainingMs = this.options.timeoutMs
    for (;;) {
      const leave = await this.slots.take(trail.url.hostname, signal)
      let startedAt = performance.now()
      let reply: Reply
      try {
        await room()
        startedAt = performance.now()
        this.guard.checkPort(trail.url)
        reply = await this.ask(trail, headers, remainingMs, signal)
      } finally {
        leave()
      }
      this.bytes += reply.wireBytes
      if (!isRedirect(reply.status)) return outcomeOf(reply, trail, 'if-none-match' in headers || 'if-modified-since' in headers)
      trail.move(reply.status, reply.header('location'))
      remainingMs = Math.max(1, remainingMs - (performance.now() - startedAt))
    }
  }

  private async ask(trail: Trail, headers: Record<string, string>, timeoutMs: number, signal: AbortSignal): Promise<Reply> {
    const { url } = trail
    const send = () => {
      this.requests++
      trail.requests++
      return exchange(this.agent, { url, headers, timeoutMs, maxBodyBytes: this.options.maxBodyBytes, signal })
    }
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error
    }
    try {
      return await send()
    } catch (error) {
      throw error instanceof StaleConnection ? new Failure('FEED_CUT', `${url.host} cut the connection`, { cause: error }) : error
    }
  }

  private headersFor(validators: Validators): Record<string, string> {
    const headers: Record<string, string> = {
      'user-agent': this.options.userAgent,
      accept: ACCEPT,
      'accept-encoding': ACCEPT_ENCODING,
    }
    if (isSendable(validators.etag)) headers['if-none-match'] = validators.etag
    if (isSendable(validators.lastModified)) headers['if-modified-since'] = validators.lastModified
    return headers
  }
}

function outcomeOf(reply: Reply, trail: Trail, conditional: boolean): FetchOutcome {
  const { status, header } = reply
  const now = Date.now()
  const etag = validator(header('etag'))
  const lastModified = validator(header('last-modified'))
  const maxAgeS = cacheMaxAgeS(header('cache-control'), header('expires'), now)
  const { requests } = trail
  if (status === 304 && conditional) return { kind: 'not-modified', status, etag, lastModified, cacheMaxAgeS: maxAgeS, requests }
  const { body, wireBytes } = reply
  if (body !== null && body.byteLength > 0) {
    const { finalUrl, permanentUrl } = trail
    const kept = { etag, lastModified, finalUrl, permanentUrl, cacheMaxAgeS: maxAgeS, wireBytes, requests }
    return { kind: 'document', body, contentType: header('content-type'), ...kept }
  }
  const answered = { status, retryAfterS: retryAfterS(header('retry-after'), now) }
  if (body !== null) return failed('FEED_EMPTY', `the answer has no body (HTTP ${status})`, requests, answered)
  if (status === 410) return failed('FEED_GONE', 'the feed is gone for good (HTTP 410)', requests, answered)
  const challenged = header('cf-mitigated') === 'challenge'
  const words =
    status === 304 ? 'HTTP 304 to a request without validators' : `HTTP ${status}${challenged ? ', a challenge for bots' : ''}`
  return failed('FEED_HTTP_STATUS', words, requests, answered)
}

type Answered = Pick<FetchFailed, 'status' | 'retryAfterS'>

function failed(
  code: FailureCode,
  message: string,
  requests: number,
  answered: Answered = { status: null, retryAfterS: null },
): FetchFailed {
  return { kind: 'failed', failure: { code, message }, requests, ...answered }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

function validator(header: string | null): string | null {
  return header === null || header === '' || header.length > MAX_VALIDATOR_CHARS ? null : header
}

function isSendable(text: string | null): text is string {
  return text !== null && /^[\t\x20-\x7e\x80-\xff]+$/.test(text)
}
