import type { Catalog } from './catalog.js'
import type { ClaimedTenant } from './claim.js'
import { noteAll, type OpenDatabase, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import { admit } from './residents.js'

/**
 * Writes for each of these, whose tables are there, whose its database is, and that the tenant may write in it; calm about what is written. On MySQL in one
 * transaction for all of a host: a commit beside the statements that make the tables of others costs as much as one of those.
 * @throws {Failure} UNAVAILABLE, SCHEMA_MISSING when a database is gone, DATABASE_TAKEN when it is another installation's by now; on MySQL nothing is written on
 * its host then
 */
export async function settle(catalog: Catalog, tenants: readonly ClaimedTenant[]): Promise<void> {
  for (const host of new Set(tenants.map(tenant => tenant.host))) {
    const here = tenants.filter(tenant => tenant.host === host)
    const [first] = here as [ClaimedTenant, ...ClaimedTenant[]]
    const server = await catalog.hosts.serverOf(host)
    if (server.dialect === 'sqlite') {
      for (const tenant of here) await server.use<TenantSchema, void>(tenant.database, open => settleIn(catalog, open, tenant))
      continue
    }
    await server.use<TenantSchema, void>(first.database, open =>
      open.kysely.transaction().execute(async tx => {
        for (const tenant of here) {
          await server.use<TenantSchema, void>(tenant.database, ({ dialect, qualify }) =>
            settleIn(catalog, { dialect, qualify, kysely: tx }, tenant),
          )
        }
      }),
    )
  }
}

async function settleIn(catalog: Catalog, database: OpenDatabase<TenantSchema>, { id }: ClaimedTenant): Promise<void> {
  await noteAll(database, TENANT_MIGRATIONS, catalog.id, Date.now())
  await admit(database, [id])
}
