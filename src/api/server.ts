import { type AddressInfo, Server as NetServer } from 'node:net'
import type { App } from '../app.js'
import { type ApiSurroundings, type BuiltApi, buildApi } from './build.js'
import { Connections } from './connections.js'
import { addressOf, type Place, placeRefusal } from './place.js'
import { ServedHours } from './served-hours.js'

/** Between two looks at whether connections are idle, while it stops. */
const LOOK_EVERY_MS = 50
/** A request may be on its way on a connection that was just opened. */
const SILENCE_MS = 1_000

/** A server that answers. */
export interface Api {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  readonly built: BuiltApi
  /** Takes no more connections, and returns when what is in flight is answered, or was cut off after so long. Calm when done twice. */
  stop(drainMs: number, leave?: Leave): Promise<ApiEnd>
}

/** How it goes. */
export interface Leave {
  /** Idle connections are kept open so long, ms: one more request on them is answered, and ends them. */
  readonly lingerMs: number
  /** Whether another process goes on in its place: the service is as ready as before. */
  readonly succeeded: boolean
}

const ALONE: Leave = { lingerMs: 0, succeeded: false }

/** What it did. */
export interface ApiEnd {
  readonly requests: number
  /** Requests that were cut off. */
  readonly interrupted: number
}

/** Serves the API until it is stopped. Port 0 is any free one. @throws {Failure} UNAVAILABLE when the port is taken, CONFIG_INVALID when it cannot be listened on at all */
export async function serveApi(
  app: App,
  place: Place,
  around: Pick<ApiSurroundings, 'metricsPage' | 'counted' | 'times'> = {},
): Promise<Api> {
  const api = await RunningApi.build(app, around)
  try {
    await api.built.server.listen({ host: await addressOf(place.host), port: place.port })
  } catch (error) {
    await api.stop(0)
    throw placeRefusal(error, place)
  }
  return api
}

class RunningApi implements Api {
  /** Still known when it has stopped listening. */
  private lastUrl = ''
  private requests = 0
  private inFlight = 0
  private interrupted = 0
  private leaving: Leave | null = null
  private end: Promise<ApiEnd> | null = null
  private readonly connections = new Connections()
  private builtApi: BuiltApi | null = null
  private hours: ServedHours | null = null

  static async build(app: App, around: ApiSurroundings): Promise<RunningApi> {
    const api = new RunningApi()
    const built = await buildApi(app, {
      ...around,
      connections: () => api.connections.open,
      isDraining: () => api.leaving?.succeeded === false,
    })
    api.watch(built)
    const counts = { requests: () => api.requests, connections: () => api.connections.open }
    api.hours = new ServedHours(counts, app.catalog, app.log)
    return api
  }

  get built(): BuiltApi {
    if (this.builtApi === null) throw new Error('not built yet')
    return this.builtApi
  }

  get url(): string {
    const listening = this.built.server.server.address() as AddressInfo | null
    if (listening !== null) this.lastUrl = urlOf(listening)
    return this.lastUrl
  }

  stop(drainMs: number, leave: Leave = ALONE): Promise<ApiEnd> {
    this.end ??= this.drain(drainMs, leave)
    return this.end
  }

  /** Not by hooks: some requests are answered before there is one. */
  private watch(built: BuiltApi): void {
    this.builtApi = built
    const { server } = built.server
    this.connections.watch(server)
    server.prependListener('request', (_request, response) => {
      this.requests++
      this.inFlight++
      if (this.leaving !== null) response.shouldKeepAlive = false
      response.once('close', () => {
        this.inFlight--
        // Not for whom has gone before there was an answer.
        if (response.headersSent) built.metrics.answered(response.statusCode)
      })
    })
  }

  private async drain(drainMs: number, leave: Leave): Promise<ApiEnd> {
    this.leaving = leave
    const { server } = this.built.server
    const deadline = setTimeout(() => {
      this.interrupted = this.inFlight
      server.closeAllConnections()
    }, drainMs)
    const began = performance.now()
    // A client may keep its connection when it has its answer, or have opened one that it does not use.
    const idle = setInterval(() => {
      const forMs = performance.now() - began
      if (forMs >= leave.lingerMs) server.closeIdleConnections()
      if (forMs >= Math.max(leave.lingerMs, SILENCE_MS)) this.connections.closeSilent()
    }, LOOK_EVERY_MS)
    try {
      if (leave.lingerMs > 0) await noMoreListening(server)
      await this.built.server.close()
    } finally {
      clearTimeout(deadline)
      clearInterval(idle)
      await this.hours?.close()
      await this.built.close()
    }
    return { requests: this.requests, interrupted: this.interrupted }
  }
}

function urlOf({ address, port, family }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Until all connections are closed. The server's own way closes those that are idle at once. */
function noMoreListening(server: BuiltApi['server']['server']): Promise<void> {
  return new Promise(resolve => {
    if (!server.listening) resolve()
    else NetServer.prototype.close.call(server, () => resolve())
  })
}
