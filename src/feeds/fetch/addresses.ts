import { BlockList, isIP, isIPv4 } from 'node:net'
import { Failure } from '../../kernel/errors.js'
import { type Ipv6Words, ipv6Words, tailAsIpv4 } from './ipv6.js'

const REFUSED_IPV4: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Inside 2000::/3, which is all of IPv6 that is routed to the public: IETF assignments with Teredo, documentation, 6to4. */
const REFUSED_IPV6: readonly [network: string, prefix: number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const refused = new BlockList()
for (const [network, prefix] of REFUSED_IPV4) refused.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of REFUSED_IPV6) refused.addSubnet(network, prefix, 'ipv6')

/** Decides which addresses and ports may be asked for feeds. */
export interface AddressGuard {
  /**
   * Judges an address that is about to be connected to, and the port when given.
   * @throws {Failure} ADDRESS_REFUSED
   */
  check(address: string, hostname: string, port?: number): void
  /**
   * Judges what a URL tells before its name is resolved: an address written in it, and a port other than 80 and 443.
   * A port at a name passes when some address is allowed by number: `check` judges it again with the address.
   * @throws {Failure} ADDRESS_REFUSED
   */
  checkPort(url: URL): void
  /** True when the operator exempted this address, or this host name, at this port. */
  allows(address: string | null, hostname: string, port?: number): boolean
}

interface Exemption {
  /** Null for every port. */
  readonly port: number | null
  readonly hostname: string | null
  readonly addresses: BlockList | null
}

/**
 * `allow` names what is exempt from the guard: CIDRs, addresses and host names, each optionally with `:port` (`[::1]:8080`).
 * @throws {Failure} CONFIG_INVALID naming every entry that is none of these
 */
export function createAddressGuard(allow: readonly string[]): AddressGuard {
  const exemptions = readExemptions(allow)
  const allowsByNumber = exemptions.some(exemption => exemption.addresses !== null)

  function allows(address: string | null, hostname: string, port?: number): boolean {
    const name = hostname.toLowerCase()
    const bare = address === null ? null : unmapped(address)
    return exemptions.some(
      exemption =>
        (exemption.port === null || port === undefined || exemption.port === port) &&
        (exemption.hostname === name || (bare !== null && exemption.addresses?.check(bare, familyOf(bare)) === true)),
    )
  }

  return {
    allows,
    check(address, hostname, port) {
      if (allows(address, hostname, port)) return
      if (!isPublic(address)) throw refusal(`${spoken(address, hostname)} is not a public address`)
      if (port !== undefined && port !== 80 && port !== 443) throw refusal(`port ${port} of ${hostname} is not 80 or 443`)
    },
    checkPort(url) {
      const hostname = url.hostname.replace(/^\[|\]$/g, '')
      const port = portOf(url)
      if (isIP(hostname) !== 0) return this.check(hostname, hostname, port)
      if (port === 80 || port === 443 || allowsByNumber || allows(null, hostname, port)) return
      throw refusal(`port ${port} of ${hostname} is not 80 or 443`)
    },
  }
}

/** True for an address that is routed on the public Internet, an IPv4 address inside an IPv6 one being judged itself. */
export function isPublic(address: string): boolean {
  const bare = unmapped(address)
  if (isIPv4(bare)) return !refused.check(bare, 'ipv4')
  const words = ipv6Words(bare)
  if (words === null) return false
  if (isNat64(words)) return !refused.check(tailAsIpv4(words), 'ipv4')
  return words[0] >= 0x2000 && words[0] <= 0x3fff && !refused.check(bare, 'ipv6')
}

export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

/** 64:ff9b::/96; the local-use 64:ff9b:1::/48 is outside 2000::/3 and refused whole. */
function isNat64(words: Ipv6Words): boolean {
  return words[0] === 0x64 && words[1] === 0xff9b && words.slice(2, 6).every(word => word === 0)
}

/** The address without a zone; `::ffff:a.b.c.d` as the IPv4 address that it reaches. */
function unmapped(address: string): string {
  const bare = address.replace(/%.*$/, '')
  const words = isIPv4(bare) ? null : ipv6Words(bare)
  const mapped = words !== null && words[5] === 0xffff && words.slice(0, 5).every(word => word === 0)
  return mapped ? tailAsIpv4(words) : bare
}

function readExemptions(allow: readonly string[]): Exemption[] {
  const read = allow.map(entry => ({ entry, exemption: readExemption(entry.trim().toLowerCase()) }))
  const wrong = read.filter(({ exemption }) => exemption === null).map(({ entry }) => `"${entry}"`)
  if (wrong.length > 0) {
    throw new Failure('CONFIG_INVALID', `FEEDCTL_FETCH_ALLOW: ${wrong.join(', ')} is not a CIDR, an address or a host name`)
  }
  return read.flatMap(({ exemption }) => exemption ?? [])
}

function readExemption(entry: string): Exemption | null {
  const { host, port } = splitPort(entry)
  if (port !== null && (port < 1 || port > 65_535)) return null
  const [network = '', prefix, extra] = host.split('/')
  if (isIP(network) !== 0 && !network.includes('%') && extra === undefined) {
    const family = familyOf(network)
    const widest = family === 'ipv4' ? 32 : 128
    const bits = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : widest + 1
    if (bits > widest) return null
    const addresses = new BlockList()
    addresses.addSubnet(network, bits, family)
    return { port, hostname: null, addresses }
  }
  const isName = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host) && !/^[\d.]+$/.test(host)
  return isName ? { port, hostname: host, addresses: null } : null
}

function splitPort(entry: string): { host: string; port: number | null } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(entry)
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2] === undefined ? null : Number(bracketed[2]) }
  const withPort = /^([^:]+):(\d{1,5})$/.exec(entry)
  return withPort === null ? { host: entry, port: null } : { host: withPort[1] ?? '', port: Number(withPort[2]) }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}

function spoken(address: string, hostname: string): string {
  return address === hostname ? address : `${hostname} (${address})`
}

function refusal(message: string): Failure {
  return new Failure('ADDRESS_REFUSED', message, { hint: 'name it in FEEDCTL_FETCH_ALLOW if it is yours' })
}
