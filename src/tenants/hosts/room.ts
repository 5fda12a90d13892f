import type { Kysely } from 'kysely'
import { isSameProcess } from '../../kernel/holder.js'
import type { CatalogSchema } from '../databases/index.js'
import { livingLeases } from './leases.js'
import { readHosts } from './rows.js'

/**
 * How many of these processes, and others like them, find a connection each within every budget of a host, beside those processes that have some by now; at least 0.
 * Null where no host has a budget. `those`: holders, as `thisProcess` names them.
 */
export async function roomForProcesses(kysely: Kysely<CatalogSchema>, those: readonly string[]): Promise<number | null> {
  const [hosts, leases] = await Promise.all([readHosts(kysely), livingLeases(kysely)])
  const others = leases.filter(({ holder }) => !those.some(one => isSameProcess(one, holder)))
  const rooms = hosts.flatMap(({ id, maxConnections }) =>
    maxConnections === null ? [] : [Math.max(0, maxConnections - others.filter(lease => lease.host_id === id).length)],
  )
  return rooms.length === 0 ? null : Math.min(...rooms)
}
