import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { Exposition } from './exposition.js'
import { Kept } from './kept.js'
import { parseListen } from './listen.js'
import type { Overview } from './overview.js'
import { within } from './patience.js'

const READ_AT_MOST_EVERY_MS = 1_000
const PATIENCE_MS = 5_000
const TEXT = 'text/plain; charset=utf-8'
const HINT = 'set FEEDCTL_METRICS_LISTEN, or --metrics, to a port that is free'

export interface MetricsServer {
  /** Where it listens: `127.0.0.1:9464`, `[::1]:9464`. */
  readonly address: string
  close(): Promise<void>
}

type Look = { readonly overview: Overview } | { readonly why: string }

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/**
 * Serves `GET /metrics` (Prometheus, text format 0.0.4) and `GET /healthz` (200 when the installation can be read now, else 503 and why).
 * `listen`: a port of 127.0.0.1, or `host:port`; port 0 is any free one. However many ask, the overview is read once a second at most.
 * @throws {Failure} UNAVAILABLE when the port is taken, CONFIG_INVALID when it cannot be listened on at all
 */
export async function serveMetrics(listen: string, overview: () => Promise<Overview>, log: Log): Promise<MetricsServer> {
  const stop = new AbortController()
  const pages = new Pages(overview, log, stop.signal)
  const server = createServer((request, response) => void answer(pages, request, response, log))
  const { host, port } = parseListen(listen)
  await listening(server, host, port)
  server.on('error', error => log.warn('metrics: a connection was not accepted', { why: error.message }))
  const { address, port: bound, family } = server.address() as AddressInfo
  return {
    address: `${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    close: () =>
      new Promise(resolve => {
        stop.abort()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

class Pages {
  private readonly exposition = new Exposition(Date.now())
  private readonly looks: Kept<Look>
  private said: string | null = null

  constructor(
    overview: () => Promise<Overview>,
    private readonly log: Log,
    private readonly signal: AbortSignal,
  ) {
    const look = () =>
      overview().then(
        read => ({ overview: read }),
        error => ({ why: wordsOf(error) }),
      )
    this.looks = new Kept<Look>(look, READ_AT_MOST_EVERY_MS, Date.now, 0)
  }

  async metrics(): Promise<Answer> {
    const look = await this.look()
    if (look === null) return late()
    return {
      status: 200,
      type: this.exposition.contentType,
      body: await this.exposition.page('overview' in look ? look.overview : null),
    }
  }

  async health(): Promise<Answer> {
    const look = await this.look()
    if (look === null) return late()
    return 'why' in look ? { status: 503, type: TEXT, body: `${look.why}\n` } : { status: 200, type: TEXT, body: 'ok\n' }
  }

  /** Null when it takes too long; it goes on, and the next who asks waits for the same. */
  private async look(): Promise<Look | null> {
    const look = await within(this.looks.get(), PATIENCE_MS, this.signal).catch(() => null)
    this.say(look === null ? 'it took too long' : 'why' in look ? look.why : null)
    return look
  }

  /** Once for each outage: it is asked for every few seconds. */
  private say(why: string | null): void {
    if (why !== null && this.said === null) this.log.warn('metrics: the installation could not be read', { why })
    this.said = why
  }
}

function late(): Answer {
  return { status: 503, type: TEXT, body: `the installation was not read within ${PATIENCE_MS / 1000} s\n` }
}

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse, log: Log): Promise<void> {
  let given: Answer = { status: 404, type: TEXT, body: 'there are /metrics and /healthz\n' }
  try {
    const path = request.url?.split('?', 1)[0]
    const asked = request.method === 'GET' || request.method === 'HEAD'
    if (asked && path === '/metrics') given = await pages.metrics()
    else if (asked && path === '/healthz') given = await pages.health()
  } catch (error) {
    log.error('metrics: a bug', { why: error instanceof Error ? (error.stack ?? error.message) : wordsOf(error) })
    given = { status: 500, type: TEXT, body: 'a bug in feedctl: see its log\n' }
  }
  response.writeHead(given.status, {
    'content-type': given.type,
    'content-length': Buffer.byteLength(given.body),
    'cache-control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : given.body)
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      const words = taken ? `port ${port} of ${host} is taken` : `cannot listen on ${host}:${port}: ${error.message}`
      reject(new Failure(taken ? 'UNAVAILABLE' : 'CONFIG_INVALID', `metrics: ${words}`, { hint: HINT, cause: error }))
    }
    server.once('error', refused)
    server.listen({ host, port }, () => {
      server.off('error', refused)
      resolve()
    })
  })
}
