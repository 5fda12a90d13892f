import { isIP } from 'node:net'
import type { Gates } from '../../caches/driver.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import { hostOf } from '../urls.js'
import { type AddressGuard, createAddressGuard } from './addresses.js'
import { Admission } from './admission.js'
import { failed, outcomeOf } from './answer.js'
import { ACCEPT_ENCODING } from './body.js'
import { type Download, type DownloadOutcome, downloadOf } from './download.js'
import { exchange, type Reply, StaleConnection } from './exchange.js'
import { HostBudget } from './host-budget.js'
import { MAX_QUIET_S } from './host-state.js'
import type { FetchOutcome, FetchPostponed, Validators } from './outcome.js'
import { Trail } from './redirects.js'
import { type Refusal, refusalOf } from './refusals.js'
import { type Lookup, systemLookup } from './resolve.js'
import { retryAfterS } from './retry-after.js'
import { directRoute, parseProxy, proxyRoute, type Route } from './route.js'
import { ServingHosts } from './serving-hosts.js'
import type { BodySink } from './streamed-body.js'

export type { FetchedDocument, FetchFailed, FetchOutcome, FetchPostponed, NotModified, Validators } from './outcome.js'

export interface FetcherOptions {
  /** CIDRs, addresses and hosts exempt from the address and port guards, as in `createAddressGuard`. */
  readonly allow: readonly string[]
  readonly concurrency: number
  /** Requests in flight per host: of this process, and of all that share the gates. */
  readonly perHost: number
  /** Requests per second and host, of all that share the gates; without gates there is no such bound. Null: 20, and none for the hosts of `allow`. */
  readonly hostRate?: number | null
  /** For one fetch with its redirects, not counting the time it waits for its turn. */
  readonly timeoutMs: number
  readonly maxBodyBytes: number
  readonly maxRedirects: number
  /** The http(s) URL of a proxy, with its credentials; null for none. Proxies of the environment are never used. */
  readonly proxy?: string | null
  readonly userAgent: string
  /** How names are resolved; the system's way by default. */
  readonly lookup?: Lookup
}

const ACCEPT =
  'application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5'
const PUBLIC_RATE = 20
/** Answers about a document, which a service that is down does not give. */
const SERVED: ReadonlySet<number> = new Set([200, 304, 404, 410])
const UNBOUNDED_RATE = 1_000_000
/** What a request may take beyond its time: the way to the gates and back. */
const LEASE_MARGIN_MS = 5_000

/** What is sent at every hop, and how its answer is taken. */
interface Asking {
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly maxBodyBytes: number
  readonly sink: BodySink | null
  readonly room: () => Promise<void>
}

/** The answer of the last hop. */
interface Answered {
  readonly kind: 'answered'
  readonly reply: Reply
  readonly refusal: Refusal | null
  readonly hostQuietS: number | null
}

/** Fetches feed documents over HTTP, and what their posts name. Holds connections until `close`. */
export class Fetcher {
  /** HTTP requests sent so far, redirects included. */
  requests = 0
  /** Bytes of bodies received so far, before decompression. */
  bytes = 0
  private readonly guard: AddressGuard
  private readonly route: Route
  private readonly budget: HostBudget
  private readonly admission: Admission
  private readonly serving = new ServingHosts()

  /**
   * `gates`: where the budgets of hosts are shared; null for none, then only `perHost` and a host's Retry-After bind this process.
   * @throws {Failure} CONFIG_INVALID for an entry of `allow`, or a proxy, that cannot be read
   */
  constructor(
    private readonly options: FetcherOptions,
    gates: Gates | null = null,
  ) {
    const { perHost, concurrency, timeoutMs, lookup = systemLookup, hostRate = null } = options
    const guard = createAddressGuard(options.allow)
    this.guard = guard
    const rateOf = (host: string) => hostRate ?? (isOwn(guard, host) ? UNBOUNDED_RATE : PUBLIC_RATE)
    this.budget = new HostBudget({ perHost, rateOf }, gates)
    this.admission = new Admission({ concurrency, perHost }, this.budget)
    const ways = { guard: this.guard, lookup, timeoutMs, perHost, concurrency }
    const proxy = options.proxy ?? null
    this.route = proxy === null ? directRoute(ways) : proxyRoute(parseProxy(proxy), ways)
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
      const headers = this.headersFor(validators)
      const { timeoutMs, maxBodyBytes } = this.options
      const end = await this.follow(trail, { headers, timeoutMs, maxBodyBytes, sink: null, room }, signal)
      if (end.kind === 'postponed') return end
      return outcomeOf(end.reply, trail, { ...end, conditional: 'if-none-match' in headers || 'if-modified-since' in headers })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!isFailure(error)) throw error
      return failed(error.code, error.message, trail)
    }
  }

  /**
   * Hands what is at the URL to a sink as it arrives, under the same rules as feeds. What the sink has when this is no `arrived` is worth nothing.
   * Whatever the publisher does is an outcome, and so is a Failure of the sink; rejects with what else the sink rejected with, and with the signal's reason.
   */
  async download(
    url: string,
    sink: BodySink,
    { accept, timeoutMs, maxBytes }: Download,
    signal: AbortSignal,
  ): Promise<DownloadOutcome> {
    try {
      const headers = { 'user-agent': this.options.userAgent, accept, 'accept-encoding': ACCEPT_ENCODING }
      const asking = { headers, timeoutMs, maxBodyBytes: maxBytes, sink, room: async () => {} }
      const end = await this.follow(new Trail(url, this.options.maxRedirects), asking, signal)
      return end.kind === 'postponed' ? end : downloadOf(end.reply, end.refusal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!isFailure(error)) throw error
      return { kind: 'failed', failure: { code: error.code, message: error.message }, retryAfterS: null }
    }
  }

  /** Cuts what is in flight and closes every connection. */
  close(): Promise<void> {
    return this.route.close()
  }

  private async follow(trail: Trail, asking: Asking, signal: AbortSignal): Promise<Answered | FetchPostponed> {
    let remainingMs = asking.timeoutMs
    for (;;) {
      const { url } = trail
      this.guard.checkPort(url)
      const host = hostOf(url.href)
      const passage = { leaseMs: remainingMs + LEASE_MARGIN_MS, room: asking.room }
      const admitted = await this.admission.admit(host, passage, signal)
      if (admitted.kind === 'quiet') return postponed(trail, admitted.quietMs)
      const [startedAt, sentAt] = [performance.now(), Date.now()]
      let reply: Reply
      try {
        reply = await this.ask(trail, { ...asking, timeoutMs: remainingMs }, signal)
      } finally {
        admitted.leave()
      }
      this.bytes += reply.wireBytes
      const refusal = refusalOf(reply.status, reply.header, url.host)
      const hostQuietS = this.learn(host, url.href, reply, { limited: refusal === 'limited', sentAt })
      if (refusal !== null || !isRedirect(reply.status)) return { kind: 'answered', reply, refusal, hostQuietS }
      trail.move(reply.status, reply.header('location'))
      remainingMs = Math.max(1, remainingMs - (performance.now() - startedAt))
    }
  }

  /** Seconds that all feeds of the host are to wait because of this answer; null for none. */
  private learn(
    host: string,
    url: string,
    reply: Reply,
    { limited, sentAt }: { limited: boolean; sentAt: number },
  ): number | null {
    const { status } = reply
    if (!limited) {
      this.budget.learn(host, { kind: 'answered' })
      if (SERVED.has(status)) this.serving.saw(host, url)
      return null
    }
    const waitS = Math.min(retryAfterS(reply.header('retry-after'), Date.now()) ?? 0, MAX_QUIET_S)
    // 503 is said of a service and of one document alike: a host that serves others means the document.
    const quietS = waitS === 0 || (status === 503 && this.serving.servesOthers(host, url)) ? null : waitS
    this.budget.learn(host, { kind: 'limited', sentAt, quietS })
    return quietS
  }

  private async ask(trail: Trail, asking: Asking, signal: AbortSignal): Promise<Reply> {
    const { url } = trail
    const { headers, timeoutMs, maxBodyBytes, sink } = asking
    const { dispatcher } = this.route
    const deadline = performance.now() + timeoutMs
    const remainingMs = () => Math.max(1, deadline - performance.now())
    const send = async () => {
      this.requests++
      trail.requests++
      const reply = await exchange(dispatcher, { url, headers, timeoutMs: remainingMs(), maxBodyBytes, sink, signal })
      // What a proxy says of itself is not the publisher's answer.
      if (reply.status !== 407 || this.route.name !== 'proxy') return reply
      throw new Failure('FEED_UNREACHABLE', `${url.host} cannot be reached: the proxy answers HTTP 407`)
    }
    await this.route.clear(url, timeoutMs, signal)
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

function postponed(trail: Trail, quietMs: number): FetchPostponed {
  const { url, finalUrl, permanentUrl, requests } = trail
  const retryAfterS = Math.max(1, Math.ceil(quietMs / 1000))
  const reason = `${url.host} asked to be left alone for another ${retryAfterS} s`
  return { kind: 'postponed', reason, retryAfterS, host: hostOf(url.href), finalUrl, permanentUrl, requests }
}

/** The operator's own, by number or by name: not a publisher to be polite to unless the settings say so. */
function isOwn(guard: AddressGuard, host: string): boolean {
  const { hostname, port } = new URL(`http://${host}`)
  const bare = hostname.replace(/^\[|\]$/g, '')
  return guard.allows(isIP(bare) === 0 ? null : bare, bare, port === '' ? undefined : Number(port))
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

function isSendable(text: string | null): text is string {
  return text !== null && /^[\t\x20-\x7e\x80-\xff]+$/.test(text)
}
