import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import type { App } from '../app.js'
import { Failure } from '../kernel/errors.js'
import { type BuiltApi, buildApi } from './build.js'

/** Between two looks at whether connections are idle, while it stops. */
const LOOK_EVERY_MS = 50

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
  const built = await buildApi(app)
  const { server } = built
  const api = new RunningApi(built)
  try {
    // One address only: a name may have several.
    await server.listen({ host: (await lookup(place.host)).address, port: place.port })
  } catch (error) {
    await api.stop(0)
    throw refusal(error, place)
  }
  return api
}

class RunningApi implements Api {
  private requests = 0
  private inFlight = 0
  private interrupted = 0
  private end: Promise<ApiEnd> | null = null

  constructor(private readonly built: BuiltApi) {
    // Not a hook: some requests are answered before there is one.
    built.server.server.on('request', (_request, response) => {
      this.requests++
      this.inFlight++
      response.once('close', () => this.inFlight--)
    })
  }

  get url(): string {
    const { address, port, family } = this.built.server.server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  stop(drainMs: number): Promise<ApiEnd> {
    this.end ??= this.drain(drainMs)
    return this.end
  }

  private async drain(drainMs: number): Promise<ApiEnd> {
    const deadline = setTimeout(() => {
      this.interrupted = this.inFlight
      this.built.server.server.closeAllConnections()
    }, drainMs)
    // A client may keep its connection when it has its answer.
    const idle = setInterval(() => this.built.server.server.closeIdleConnections(), LOOK_EVERY_MS)
    try {
      await this.built.server.close()
    } finally {
      clearTimeout(deadline)
      clearInterval(idle)
      await this.built.close()
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
