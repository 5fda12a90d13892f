import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure, wordsOf } from '../../kernel/errors.js'
import {
  type FeedServerAddress,
  hasManyLoopbacks,
  isLoopback,
  MAX_SPREAD,
  originAt,
  originOfSource,
  urlOfSource,
} from './addresses.js'
import { answerControl, type FeedServerControl } from './control.js'
import { type DocumentFormat, MIXED_FORMATS } from './documents.js'
import { type Exchange, sendBody, sendDocument } from './exchange.js'
import { type FaultName, type Faults, isFaultName, openFaults } from './faults.js'
import { Library } from './library.js'
import { type FeedServerStats, Tally } from './tally.js'

export interface FeedServerOptions {
  /** Default 127.0.0.1. With `spread` the server listens on every interface instead and answers loopback only. */
  readonly host?: string
  /** 0, the default, is one that the system picks. */
  readonly port?: number
  readonly seed?: number
  /** Posts per document. */
  readonly items?: number
  /** Average length of a post's HTML, bytes. */
  readonly itemBytes?: number
  /** Added before each answer, the broken ones included. */
  readonly latencyMs?: number
  /** The format of source n is the one at n, in turn. */
  readonly formats?: readonly DocumentFormat[]
  /** Loopback addresses to spread sources over; one host where the system has only 127.0.0.1. */
  readonly spread?: number
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  seed: 1,
  items: 30,
  itemBytes: 1500,
  latencyMs: 0,
  formats: MIXED_FORMATS,
  spread: 0,
}
type Settled = Required<FeedServerOptions>

/** Answers seeded feeds at `/feeds/<n>.xml` and broken ones at `/faults/<name>`, to this machine only. */
export class FeedServer implements FeedServerControl {
  readonly port: number
  readonly origin: string
  /** Where sources are; `spread` is 0 when they all are at one host. */
  readonly address: FeedServerAddress
  private readonly library: Library
  private readonly faults: Faults
  private readonly tally = new Tally()
  private latencyMs: number
  /** Requests for sources that are still answered. */
  private free = Number.POSITIVE_INFINITY
  private readonly held = new Set<() => void>()
  private closed: Promise<void> | null = null

  constructor(
    private readonly server: Server,
    options: Settled,
  ) {
    this.port = (server.address() as AddressInfo).port
    this.address = { host: options.host, port: this.port, spread: options.spread }
    this.origin = originAt(this.address)
    this.latencyMs = options.latencyMs
    this.library = new Library({ ...options, originOf: source => originOfSource(this.address, source) })
    this.faults = openFaults(options.seed, this.origin)
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.receive(request, response))
  }

  urlOf(source: number): string {
    return urlOfSource(this.address, source)
  }

  faultUrl(name: FaultName): string {
    return `${this.origin}/faults/${name}`
  }

  stats(): FeedServerStats {
    return this.tally.stats()
  }

  resetStats(): void {
    this.tally.reset()
  }

  advanceEdition(source?: number, by = 1): void {
    this.library.advance(by, source)
  }

  setLatency(ms: number): void {
    this.latencyMs = ms
  }

  /** Answers so many more requests for sources, and the others not before `letGo`. */
  hold(afterRequests: number): void {
    this.free = afterRequests
  }

  letGo(): void {
    this.free = Number.POSITIVE_INFINITY
    for (const answer of this.held) answer()
    this.held.clear()
  }

  prepare(from: number, to: number): void {
    for (let source = from; source <= to; source++) this.library.documentOf(source).body('gzip')
  }

  /** Stops listening and destroys what is open. */
  close(): Promise<void> {
    this.closed ??= new Promise(resolve => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
    return this.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
    const exchange: Exchange = { request, response, path, query: new URLSearchParams(query), tally: this.tally }
    if (path.startsWith('/_control/')) answerControl(this, exchange)
    else {
      this.tally.begin(path, response)
      this.answerLater(exchange)
    }
  }

  private answerLater(exchange: Exchange): void {
    if (exchange.path.startsWith('/feeds/') && --this.free < 0) {
      const answer = () => this.answer(exchange)
      this.held.add(answer)
      exchange.response.once('close', () => this.held.delete(answer))
    } else if (this.latencyMs === 0) this.answer(exchange)
    else {
      const timer = setTimeout(() => this.answer(exchange), this.latencyMs)
      exchange.response.once('close', () => clearTimeout(timer))
    }
  }

  private answer(exchange: Exchange): void {
    const { path, request } = exchange
    const [, room, name = ''] = /^\/(feeds|faults)\/([a-z0-9-]+)(?:\.[a-z]+)?$/.exec(path) ?? []
    if (request.method !== 'GET') sendBody(exchange, 405, { allow: 'GET' }, 'GET only')
    else if (room === 'feeds' && /^\d{1,9}$/.test(name)) sendDocument(exchange, this.library.documentOf(Number(name)))
    else if (room === 'faults' && isFaultName(this.faults, name)) this.faults[name](exchange)
    else sendBody(exchange, 404, { 'content-type': 'text/plain' }, 'nothing here')
  }
}

/**
 * Starts a feed server in this process; who starts it closes it.
 * @throws {Failure} USAGE an option is out of its range
 * @throws {Failure} UNAVAILABLE the address or port cannot be listened on
 */
export async function startFeedServer(options: FeedServerOptions = {}): Promise<FeedServer> {
  const settled = { ...DEFAULTS, ...options }
  checkOptions(settled)
  if (settled.spread > 0 && (await hasManyLoopbacks())) settled.host = '127.0.0.1'
  else settled.spread = 0
  // Long keep-alive: a client that waits between two runs must not meet a connection that is just being closed.
  const server = createServer({ keepAliveTimeout: 60_000 })
  server.on('connection', socket => {
    if (!isLoopback(socket.remoteAddress ?? '')) socket.destroy()
  })
  await listen(server, settled.port, settled.spread > 0 ? '0.0.0.0' : settled.host)
  return new FeedServer(server, settled)
}

function checkOptions(options: Settled): void {
  const limits = { port: 65_535, seed: 2 ** 32, items: 10_000, itemBytes: 2 ** 20, latencyMs: 600_000, spread: MAX_SPREAD }
  for (const [name, limit] of Object.entries(limits)) {
    const value = options[name as keyof typeof limits]
    if (!Number.isInteger(value) || value < 0 || value > limit) {
      throw new Failure('USAGE', `${name} of the feed server is a whole number from 0 to ${limit}`)
    }
  }
  if (options.formats.length === 0) throw new Failure('USAGE', 'the feed server needs a format')
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      reject(new Failure('UNAVAILABLE', `the feed server cannot listen on ${host}:${port}: ${wordsOf(error)}`, { cause: error }))
    }
    server.once('error', refuse)
    server.listen({ port, host, backlog: 4096 }, () => {
      server.off('error', refuse)
      resolve()
    })
  })
}
