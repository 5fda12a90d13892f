import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { AddressGuard } from './addresses.js'
import { judge, type Lookup, systemLookup } from './resolve.js'

/**
 * Connects only to addresses that the guard lets pass. A name is resolved once, its addresses are judged, and the socket is given those:
 * nobody can answer the check with one address and the connection with another.
 */
export function createConnector(guard: AddressGuard, timeoutMs: number, lookup: Lookup = systemLookup): buildConnector.connector {
  const connectors = new Map<number, buildConnector.connector>()
  return (options, callback) => {
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80)
    const hostname = options.hostname.replace(/^\[|\]$/g, '')
    try {
      if (isIP(hostname) !== 0) guard.check(hostname, hostname, port)
    } catch (error) {
      callback(error instanceof Error ? error : new Error(wordsOf(error)), null)
      return
    }
    const connect = connectors.get(port) ?? buildConnector({ timeout: timeoutMs, lookup: guardedLookup(guard, port, lookup) })
    connectors.set(port, connect)
    connect(options, callback)
  }
}

function guardedLookup(guard: AddressGuard, port: number, lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, addresses) => {
      if (error !== null) return callback(error, '')
      const { passed, refusal } = judge(guard, addresses, hostname, port)
      const [first] = passed
      if (first === undefined) return callback(refusal ?? new Failure('FEED_UNREACHABLE', `${hostname} has no address`), '')
      if (options.all === true) callback(null, passed)
      else callback(null, first.address, first.family)
    })
  }
}
