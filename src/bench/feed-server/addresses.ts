import { createServer } from 'node:net'

const PER_BLOCK = 250

/** Largest number of loopback addresses that sources are spread over. */
export const MAX_SPREAD = PER_BLOCK * PER_BLOCK

/** Where a feed server is reached. */
export interface FeedServerAddress {
  readonly host: string
  readonly port: number
  /** Number of loopback addresses that sources are spread over; 0 when all are at `host`. */
  readonly spread: number
}

/** `http://host:port` of the server itself. */
export function originAt({ host, port }: Pick<FeedServerAddress, 'host' | 'port'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Origin of one source: one of 127.0.1.1, 127.0.1.2, ... by its number when the server is spread. */
export function originOfSource(address: FeedServerAddress, source: number): string {
  if (address.spread === 0) return originAt(address)
  const turn = source % address.spread
  return originAt({ host: `127.0.${1 + Math.floor(turn / PER_BLOCK)}.${1 + (turn % PER_BLOCK)}`, port: address.port })
}

export function urlOfSource(address: FeedServerAddress, source: number): string {
  return `${originOfSource(address, source)}/feeds/${source}.xml`
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./i.test(address)
}

/** Whether all of 127/8 is this machine, as on Linux; on macOS only 127.0.0.1 is. */
export function hasManyLoopbacks(): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(0, '127.0.1.1', () => probe.close(() => resolve(true)))
  })
}
