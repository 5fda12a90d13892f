import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { FastifyServerFactory } from 'fastify'
import { type Clock, steady } from '../kernel/clock.js'
import { isFresh } from './answers/answers.js'
import { type Entry, hasAlready, type SentWith } from './answers/entry.js'
import type { AnswerTally } from './answers/tally.js'
import { oddity } from './client-errors.js'
import { HSTS } from './headers.js'
import type { KnownTenants } from './known.js'
import type { Proxies } from './proxies.js'

/** At these places of the flat headers. */
const ID_AT = 1

export interface LaneParts {
  readonly known: KnownTenants
  readonly tally: AnswerTally
  readonly proxies: Proxies
  /** Whether pages of other origins may ask: what they are told depends on who they are. */
  readonly shares: boolean
  /** How long the catalog's word on a token counts. */
  readonly ttlMs: number
  readonly now?: Clock
}

/** What the lane reads of a request's headers. */
interface Asked {
  authorization: string | undefined
  ifNoneMatch: string | undefined
  hasOrigin: boolean
  /** Says something twice that is said once. */
  isOdd: boolean
}

/**
 * The short way: a GET of a known tenant for an answer that is ready and counts is answered at once, without fastify. Everything else is left to fastify,
 * untouched; it answers alike.
 */
export class Lane {
  private readonly now: Clock
  private readonly asked: Asked = { authorization: undefined, ifNoneMatch: undefined, hasOrigin: false, isOdd: false }

  constructor(private readonly parts: LaneParts) {
    this.now = parts.now ?? steady
  }

  /** Makes fastify's server, with the lane before it. */
  readonly serverFactory: FastifyServerFactory = (handler, options) => {
    const { http, keepAliveTimeout, requestTimeout, connectionTimeout } = options as FactoryOptions
    const server: Server = createServer(http ?? {}, (request, response) => {
      if (!server.listening || oddity(request) !== null || !this.answers(request, response)) handler(request, response)
    })
    if (keepAliveTimeout !== undefined) server.keepAliveTimeout = keepAliveTimeout
    if (requestTimeout !== undefined) server.requestTimeout = requestTimeout
    if (connectionTimeout !== undefined) server.setTimeout(connectionTimeout)
    return server
  }

  /** False when it has done nothing, and fastify is to answer. */
  answers(request: IncomingMessage, response: ServerResponse): boolean {
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD') return false
    const asked = this.read(request.rawHeaders)
    if (asked.authorization === undefined || asked.isOdd || (asked.hasOrigin && this.parts.shares)) return false
    const known = this.parts.known.bearing(asked.authorization)
    if (known === undefined) return false
    const url = request.url ?? ''
    const entry = known.entries.get(url) ?? known.aliases.get(url)
    if (entry === undefined || entry.sentWith === null) return false
    const now = this.now()
    if (known.tenant.state !== 'active' || now - known.checkedAt >= this.parts.ttlMs || !isFresh(known, entry, now)) return false
    if (!known.allowance.take(now)) return false
    known.used = true
    entry.used = true
    this.send(request, response, { entry, sentWith: entry.sentWith }, asked.ifNoneMatch)
    return true
  }

  private send(
    request: IncomingMessage,
    response: ServerResponse,
    { entry, sentWith }: Ready,
    ifNoneMatch: string | undefined,
  ): void {
    const { proxies, tally } = this.parts
    const unchanged = ifNoneMatch !== undefined && hasAlready(ifNoneMatch, entry.etag)
    let headers = unchanged ? sentWith.unchanged : sentWith.whole
    headers[ID_AT] = proxies.requestId(request)
    if (proxies.any && proxies.isSecure(request)) headers = [...headers, HSTS.name, HSTS.value]
    if (unchanged) {
      tally.laneUnchanged++
      response.writeHead(304, headers)
      response.end()
    } else {
      tally.lane++
      response.writeHead(200, headers)
      response.end(entry.body)
    }
  }

  /** The same object each time. */
  private read(raw: readonly string[]): Asked {
    const asked = this.asked
    asked.authorization = undefined
    asked.ifNoneMatch = undefined
    asked.hasOrigin = false
    asked.isOdd = false
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at] ?? ''
      if (name.length === 13) {
        const lower = name.toLowerCase()
        if (lower === 'authorization') {
          asked.isOdd ||= asked.authorization !== undefined
          asked.authorization = raw[at + 1]
        } else if (lower === 'if-none-match') {
          asked.isOdd ||= asked.ifNoneMatch !== undefined
          asked.ifNoneMatch = raw[at + 1]
        }
      } else if (name.length === 6 && name.toLowerCase() === 'origin') asked.hasOrigin = true
    }
    return asked
  }
}

interface Ready {
  readonly entry: Entry
  readonly sentWith: SentWith
}

interface FactoryOptions {
  readonly http?: ServerOptions
  readonly keepAliveTimeout?: number
  readonly requestTimeout?: number
  readonly connectionTimeout?: number
}
