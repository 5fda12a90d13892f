import { Failure } from '../kernel/errors.js'

const LOOPBACK = '127.0.0.1'

/** Reads `9464`, `0.0.0.0:9464` or `[::1]:9464`; without a host it is this machine only. @throws {Failure} CONFIG_INVALID */
export function parseListen(listen: string): { host: string; port: number } {
  const [, bracketed, named, digits] = /^(?:\[([0-9a-fA-F:]+)\]:|([\w.-]+):)?(\d{1,5})$/.exec(listen) ?? []
  const port = Number(digits)
  if (digits !== undefined && port <= 65_535) return { host: bracketed ?? named ?? LOOPBACK, port }
  throw new Failure('CONFIG_INVALID', `metrics: ${JSON.stringify(listen.slice(0, 100))} is no port to listen on`, {
    hint: 'set FEEDCTL_METRICS_LISTEN, or --metrics, to a port or host:port',
  })
}
