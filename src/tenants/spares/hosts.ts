import type { Kysely } from 'kysely'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { CatalogSchema } from '../databases/index.js'
import { tenantsByHost } from '../hosts/placing.js'
import { spreadTenants } from '../hosts/spreading.js'

/** A host that gets spare databases. */
export interface SpareHost {
  readonly id: number
  readonly name: string
}

/** Hosts whose spare databases are taken by who asks for the host: open ones without a bound of tenants, for whose sake they are counted in another way. */
export function givingHosts(kysely: Kysely<CatalogSchema>) {
  return kysely.selectFrom('hosts').where('state', '=', 'open').where('max_tenants', 'is', null)
}

/** Those among them whose spare databases are taken by who asks for no host. */
export function spareHosts(kysely: Kysely<CatalogSchema>) {
  return givingHosts(kysely).where('weight', '>', 0)
}

/** A host for each of so many new spare databases, as tenants are spread; those that are there count as tenants. @throws {Failure} HOST_FULL when none takes any */
export async function hostsForSpares(catalog: Catalog, count: number): Promise<SpareHost[]> {
  const hosts = await spareHosts(catalog.kysely).select(['id', 'name', 'weight', 'state']).orderBy('name').execute()
  if (hosts.length === 0)
    throw new Failure(
      'HOST_FULL',
      'spare databases are made on open hosts with a weight and without max_tenants, and there is none',
      {
        hint: 'feedctl host list',
      },
    )
  const [tenants, spares] = [await tenantsByHost(catalog), await sparesByHost(catalog)]
  const fills = hosts.map(host => ({
    ...host,
    maxTenants: null,
    tenants: (tenants.get(host.id) ?? 0) + (spares.get(host.id) ?? 0),
  }))
  return spreadTenants(fills, Array(count).fill(null)).map(host => {
    if (host instanceof Failure) throw host
    return host
  })
}

async function sparesByHost({ kysely }: Catalog): Promise<ReadonlyMap<number, number>> {
  const rows = await kysely
    .selectFrom('placements')
    .select(eb => ['host_id', eb.fn.countAll<number>().as('spares')])
    .where('kind', '=', 'spare')
    .groupBy('host_id')
    .execute()
  return new Map(rows.map(row => [row.host_id, Number(row.spares)]))
}
