import { Failure } from '../../kernel/errors.js'
import type { DatabaseServer } from '../databases/index.js'

/** The database hosts that tenants are placed on, each behind one bounded set of connections, opened when it is first needed. */
export interface Hosts {
  /** The server of the named host. @throws {Failure} HOST_NOT_FOUND, CONFIG_INVALID, UNAVAILABLE */
  serverOf(name: string): Promise<DatabaseServer>
  /** Closes those that were opened here; not that of the catalog. Twice is calm. */
  close(): Promise<void>
}

export function openHosts(home: DatabaseServer): Hosts {
  return {
    async serverOf(name) {
      if (name === 'default') return home
      throw new Failure('HOST_NOT_FOUND', `there is no database host ${name}`, { hint: 'feedctl host list' })
    },
    async close() {},
  }
}
