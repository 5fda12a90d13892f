import { lookup } from 'node:dns/promises'
import { type AddressInfo, createServer } from 'node:net'
import { Failure } from '../kernel/errors.js'

/** Where to listen; port 0 is any free one. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** One address only: a name may have several. */
export async function addressOf(host: string): Promise<string> {
  return (await lookup(host)).address
}

/** The port, when it can be listened on. @throws {Failure} UNAVAILABLE when it is taken, CONFIG_INVALID when it cannot be listened on at all */
export async function freePlace(place: Place): Promise<number> {
  const server = createServer()
  try {
    const host = await addressOf(place.host)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: place.port }, resolve)
    })
    return (server.address() as AddressInfo).port
  } catch (error) {
    throw placeRefusal(error, place)
  } finally {
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
}

export function isFree(place: Place): Promise<boolean> {
  return freePlace(place).then(
    () => true,
    () => false,
  )
}

/** What kept it from listening, in words for the operator. */
export function placeRefusal(error: unknown, { host, port }: Place): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  const taken = error.code === 'EADDRINUSE'
  const words = taken ? `port ${port} of ${host} is taken` : `cannot listen on ${host}:${port}: ${error.message}`
  return new Failure(taken ? 'UNAVAILABLE' : 'CONFIG_INVALID', words, {
    hint: 'set --port and --host to what is free on this machine',
    cause: error,
  })
}
