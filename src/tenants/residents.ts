import type { Catalog } from './catalog.js'
import { insertRows, type OpenDatabase, type TenantSchema } from './databases/index.js'
import type { TenantId } from './ids.js'
import type { Placement } from './tenant.js'

const TENANTS_PER_PAGE = 1_000

/** Lets tenants write in a database from now on; calm about those that may already. */
export async function admit(database: OpenDatabase<TenantSchema>, ids: readonly TenantId[]): Promise<void> {
  await insertRows(
    database,
    'residents',
    ids.map(id => ({ tenant_id: id as number, fenced_by: null })),
    'keep',
  )
}

/** The same for every tenant whose rows live there by the catalog: after an upgrade from a schema that knew no residents. */
export async function admitAll(
  catalog: Catalog,
  database: OpenDatabase<TenantSchema>,
  at: Pick<Placement, 'host' | 'database'>,
): Promise<void> {
  for (let after = 0; ; ) {
    const page = await catalog.kysely
      .selectFrom('tenants')
      .innerJoin('placements', 'placements.id', 'tenants.placement_id')
      .innerJoin('hosts', 'hosts.id', 'placements.host_id')
      .select('tenants.id')
      .where('hosts.name', '=', at.host)
      .where('placements.database_name', '=', at.database)
      .where('tenants.id', '>', after)
      .orderBy('tenants.id')
      .limit(TENANTS_PER_PAGE)
      .execute()
    await admit(
      database,
      page.map(row => row.id as TenantId),
    )
    const last = page.at(-1)
    if (last === undefined || page.length < TENANTS_PER_PAGE) return
    after = last.id
  }
}
