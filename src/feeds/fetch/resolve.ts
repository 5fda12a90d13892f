import { type LookupAddress, type LookupOptions, lookup } from 'node:dns'
import { Failure } from '../../kernel/errors.js'
import type { AddressGuard } from './addresses.js'

/** Resolves a name to all its addresses. */
export type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** As the system resolves names: its hosts file included. */
export const systemLookup: Lookup = (hostname, options, callback) => lookup(hostname, { ...options, all: true }, callback)

export interface Judged {
  readonly passed: LookupAddress[]
  /** Why the first one did not pass; null when all did. */
  readonly refusal: Failure | null
}

/** Which of a name's addresses may be connected to at the port. */
export function judge(guard: AddressGuard, addresses: readonly LookupAddress[], hostname: string, port: number): Judged {
  const passed: LookupAddress[] = []
  const refusals: Failure[] = []
  for (const address of addresses) {
    try {
      guard.check(address.address, hostname, port)
      passed.push(address)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      refusals.push(error)
    }
  }
  return { passed, refusal: refusals[0] ?? null }
}
