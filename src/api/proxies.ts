import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { Failure } from '../kernel/errors.js'
import { nextRequestId, REQUEST_ID } from './headers.js'

const GIVEN_ID = /^[\w.-]{1,64}$/
/** What proxies add to what they pass on. */
const FORWARDING = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'forwarded', 'via'] as const

/** What a request says of itself counts where a proxy that is trusted has written it. */
export class Proxies {
  readonly any: boolean
  private readonly trusted = new BlockList()

  /** @throws {Failure} CONFIG_INVALID for a setting that is no list of addresses and CIDRs */
  constructor(addresses: readonly string[]) {
    this.any = addresses.length > 0
    for (const address of addresses) add(this.trusted, address)
  }

  /** `address`: of the other end of a connection. */
  trusts(address: string | undefined): boolean {
    return this.any && isIn(this.trusted, address)
  }

  /** The id that the request bears when a trusted proxy has sent it, else a new one. */
  requestId(request: IncomingMessage): string {
    const given = this.any ? request.headers[REQUEST_ID] : undefined
    return typeof given === 'string' && GIVEN_ID.test(given) && this.trusts(request.socket.remoteAddress)
      ? given
      : nextRequestId()
  }

  /** Whether the client speaks https, as a trusted proxy says. */
  isSecure(request: IncomingMessage): boolean {
    if (!this.any) return false
    const protocol = request.headers['x-forwarded-proto']
    return typeof protocol === 'string' && /(^|,)\s*https$/i.test(protocol) && this.trusts(request.socket.remoteAddress)
  }

  /** Whether it came from this machine, or from where the proxies are, and on nobody's behalf. */
  isFromWithin(request: IncomingMessage): boolean {
    const { remoteAddress } = request.socket
    if (FORWARDING.some(name => request.headers[name] !== undefined)) return false
    return isIn(LOOPBACK, remoteAddress) || this.trusts(remoteAddress)
  }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function isIn(list: BlockList, address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
  const kind = isIP(plain)
  return kind !== 0 && list.check(plain, kind === 4 ? 'ipv4' : 'ipv6')
}

function add(list: BlockList, text: string): void {
  const [address = '', bits] = text.split('/')
  const kind = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  try {
    if (bits === undefined) list.addAddress(address, kind)
    else list.addSubnet(address, Number(bits), kind)
  } catch (error) {
    throw new Failure('CONFIG_INVALID', `FEEDCTL_TRUSTED_PROXIES: ${text} is no address and no CIDR`, {
      hint: 'FEEDCTL_TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8',
      cause: error,
    })
  }
}
