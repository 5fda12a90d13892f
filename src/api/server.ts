import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { App } from '../app.js'
import { Failure } from '../kernel/errors.js'
import { ReadCounts } from '../media/read-counts.js'
import { linkKey } from '../media/serving/link-key.js'
import { LinkSigner } from '../media/serving/links.js'
import { MediaServing } from '../media/serving/serving.js'
import { MediaUrls } from '../media/serving/urls.js'
import { failureAnswer } from './failures.js'
import { mediaRoutes } from './routes/media.js'
import { mediaFileRoutes } from './routes/media-files.js'

/** How long a connection may be silent, and a request may take to come in. */
const IDLE_MS = 120_000
const REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 72_000
/** Between two looks at whether connections are idle, while it stops. */
const LOOK_EVERY_MS = 50
/** Of a request; none that is served has a body. */
const MAX_BODY_BYTES = 64 * 1024

/** A server that answers. */
export interface Api {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  /** Takes no more connections, and returns when what is in flight is answered, or was cut off after so long. Calm when done twice. */
  stop(drainMs: number): Promise<ApiEnd>
}

/** What it did. */
export interface ApiEnd {
  readonly requests: number
  /** Requests that were cut off. */
  readonly interrupted: number
}

/** Serves the API until it is stopped. Port 0 is any free one. @throws {Failure} UNAVAILABLE when the port is taken, CONFIG_INVALID when it cannot be listened on at all */
export async function serveApi(app: App, place: { readonly host: string; readonly port: number }): Promise<Api> {
  const { server, counts } = await buildApi(app)
  const api = new RunningApi(server, counts)
  try {
    // One address only: a name may have several.
    await server.listen({ host: (await lookup(place.host)).address, port: place.port })
  } catch (error) {
    await api.stop(0)
    throw refusal(error, place)
  }
  return api
}

/** The API without a port; whoever takes it closes both. */
export async function buildApi(app: App): Promise<{ server: FastifyInstance; counts: ReadCounts }> {
  const { catalog, config, log } = app
  const disks = await app.disks()
  const signer = new LinkSigner(linkKey(config))
  const urls = new MediaUrls(disks, signer, config.wasabiUrl !== null)
  const counts = new ReadCounts(catalog, log)
  const server = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    connectionTimeout: IDLE_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    frameworkErrors: (error, request, reply) => failureAnswer(log)(error, request, reply),
  })
  server.setErrorHandler(failureAnswer(log))
  server.setNotFoundHandler(() => {
    throw new Failure('ROUTE_NOT_FOUND', 'there is nothing at this path')
  })
  mediaRoutes(server, catalog, urls)
  mediaFileRoutes(server, new MediaServing({ catalog, disks, signer, urls, counts }), log)
  return { server, counts }
}

class RunningApi implements Api {
  private requests = 0
  private inFlight = 0
  private interrupted = 0
  private end: Promise<ApiEnd> | null = null

  constructor(
    private readonly server: FastifyInstance,
    private readonly counts: ReadCounts,
  ) {
    server.addHook('onRequest', async (_request, reply) => {
      this.requests++
      this.inFlight++
      reply.raw.once('close', () => this.inFlight--)
    })
  }

  get url(): string {
    const { address, port, family } = this.server.server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  stop(drainMs: number): Promise<ApiEnd> {
    this.end ??= this.drain(drainMs)
    return this.end
  }

  private async drain(drainMs: number): Promise<ApiEnd> {
    const deadline = setTimeout(() => {
      this.interrupted = this.inFlight
      this.server.server.closeAllConnections()
    }, drainMs)
    // A client may keep its connection when it has its answer.
    const idle = setInterval(() => this.server.server.closeIdleConnections(), LOOK_EVERY_MS)
    try {
      await this.server.close()
    } finally {
      clearTimeout(deadline)
      clearInterval(idle)
      await this.counts.close()
    }
    return { requests: this.requests, interrupted: this.interrupted }
  }
}

function refusal(error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  const taken = error.code === 'EADDRINUSE'
  const words = taken ? `port ${port} of ${host} is taken` : `cannot listen on ${host}:${port}: ${error.message}`
  return new Failure(taken ? 'UNAVAILABLE' : 'CONFIG_INVALID', words, {
    hint: 'set --port and --host to what is free on this machine',
    cause: error,
  })
}
