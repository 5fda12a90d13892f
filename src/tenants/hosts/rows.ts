import type { Kysely, Selectable } from 'kysely'
import { Failure } from '../../kernel/errors.js'
import type { CatalogSchema, HostState, HostsTable } from '../databases/index.js'

/** A database host, as the catalog knows it. */
export interface HostRow {
  readonly id: number
  readonly name: string
  /** `host:port` or the path of a socket; on SQLite a folder. Null for `default`, which the settings lead to. */
  readonly address: string | null
  /** Null is DB_USERNAME. */
  readonly username: string | null
  readonly weight: number
  /** Null is as many as come. */
  readonly maxTenants: number | null
  /** Of all processes together; null is FEEDCTL_DB_POOL for each. */
  readonly maxConnections: number | null
  /** Of a replica that reads may go to; null for none. */
  readonly readAddress: string | null
  /** Where it stands, in the operator's words; null where nobody said. */
  readonly region: string | null
  readonly state: HostState
}

/** Every host, in the order of their names. */
export async function readHosts(catalog: Kysely<CatalogSchema>): Promise<HostRow[]> {
  return (await catalog.selectFrom('hosts').selectAll().orderBy('name').execute()).map(hostOf)
}

/** @throws {Failure} HOST_NOT_FOUND */
export async function getHost(catalog: Kysely<CatalogSchema>, name: string): Promise<HostRow> {
  const row = await catalog.selectFrom('hosts').selectAll().where('name', '=', name).executeTakeFirst()
  if (row === undefined) throw noHost(name)
  return hostOf(row)
}

/** @throws {Failure} HOST_NOT_FOUND where no host is in the region */
export async function refuseRegion(catalog: Kysely<CatalogSchema>, region: string): Promise<void> {
  const row = await catalog.selectFrom('hosts').select('id').where('region', '=', region).executeTakeFirst()
  if (row === undefined) throw noRegion(region)
}

export function noRegion(region: string): Failure {
  return new Failure('HOST_NOT_FOUND', `there is no database host in the region ${region.slice(0, 60)}`, {
    hint: 'feedctl host list; feedctl host set <name> --region',
  })
}

export function noHost(name: string): Failure {
  return new Failure('HOST_NOT_FOUND', `there is no database host ${name.slice(0, 60)}`, { hint: 'feedctl host list' })
}

function hostOf(row: Selectable<HostsTable>): HostRow {
  const { id, name, address, username, weight, region, state } = row
  return {
    id,
    name,
    address,
    username,
    weight,
    maxTenants: row.max_tenants,
    maxConnections: row.max_connections,
    readAddress: row.read_address,
    region,
    state,
  }
}
