import { join } from 'node:path'
import type { Config } from '../../kernel/config.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { livingLeases } from './leases.js'
import { tenantsByHost } from './placing.js'
import { type HostRow, readHosts } from './rows.js'

/** A server that has not answered by then counts as away. */
const PATIENCE_MS = 3_000

/** How a host stands. */
export interface HostStanding extends Omit<HostRow, 'id' | 'address'> {
  /** For `default` what the settings say. */
  readonly address: string
  readonly tenants: number
  /** Of tenants, spare and shared ones. */
  readonly databases: number
  /** Connections that processes have of its budget now, and how many processes; 0 without a budget. */
  readonly leased: number
  readonly processes: number
  readonly answers: boolean
  /** Why it does not answer; null when it does. */
  readonly why: string | null
}

/** Every host, in the order of their names; each is asked whether it answers. @throws {Failure} UNAVAILABLE when the catalog is away */
export async function hostStandings(catalog: Catalog, config: Config): Promise<HostStanding[]> {
  const [hosts, tenants, databases, leases] = await Promise.all([
    readHosts(catalog.kysely),
    tenantsByHost(catalog),
    databasesByHost(catalog),
    leasesByHost(catalog),
  ])
  return Promise.all(
    hosts.map(async ({ id, ...host }) => {
      const why = await fault(catalog, host.name)
      return {
        ...host,
        address: host.address ?? homeAddress(config),
        tenants: tenants.get(id) ?? 0,
        databases: databases.get(id) ?? 0,
        leased: leases.get(id)?.connections ?? 0,
        processes: leases.get(id)?.processes ?? 0,
        answers: why === null,
        why,
      }
    }),
  )
}

/** Where the settings lead. */
function homeAddress({ dbConnection, data, dbSocket, dbHost, dbPort }: Config): string {
  if (dbConnection === 'sqlite') return join(data, 'databases')
  return dbSocket ?? `${dbHost}:${dbPort}`
}

/** Why the host does not answer; null when it does. */
async function fault(catalog: Catalog, name: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const failure = new Failure('UNAVAILABLE', `no answer within ${PATIENCE_MS / 1000} s`)
    timer = setTimeout(() => reject(failure), PATIENCE_MS)
  })
  try {
    // On MySQL any name does: the question is whether there is an answer.
    await Promise.race([catalog.hosts.serverOf(name).then(server => server.has(catalog.name)), late])
    return null
  } catch (error) {
    if (isFailure(error)) return error.message
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function databasesByHost({ kysely }: Catalog): Promise<ReadonlyMap<number, number>> {
  const rows = await kysely
    .selectFrom('placements')
    .select(eb => ['host_id', eb.fn.countAll<number>().as('databases')])
    .where('schema_version', '>', 0)
    .groupBy('host_id')
    .execute()
  return new Map(rows.map(row => [row.host_id, Number(row.databases)]))
}

async function leasesByHost({ kysely }: Catalog) {
  const byHost = new Map<number, { connections: number; processes: number }>()
  for (const { host_id, connections } of await livingLeases(kysely)) {
    const before = byHost.get(host_id) ?? { connections: 0, processes: 0 }
    byHost.set(host_id, { connections: before.connections + connections, processes: before.processes + 1 })
  }
  return byHost
}
