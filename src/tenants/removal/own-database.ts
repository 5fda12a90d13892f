import type { Catalog } from '../catalog.js'
import type { TenantState } from '../databases/index.js'
import { dropDbUser } from '../db-users.js'
import { parseDatabaseName, type TenantId } from '../ids.js'
import { hasOtherTenants } from '../placement-tenants.js'

/**
 * Removes a tenant's own database and its user, unless another tenant has it too; answers the user's name, null for none. Whoever is held up meanwhile removes
 * nothing of the next tenant of that name: that one is there only when this one is gone.
 */
export async function dropDatabase(
  catalog: Catalog,
  tenantId: TenantId,
  state: TenantState,
  hasDatabase = true,
): Promise<string | null> {
  const placement = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.database_name', 'placements.db_user', 'hosts.name as host'])
    .where('tenants.id', '=', tenantId)
    .where('tenants.state', '=', state)
    .executeTakeFirst()
  if (placement === undefined || (await hasOtherTenants(catalog, placement.id, tenantId))) return null
  // First of all: a placement that is left over must not pass for one whose tables are there.
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: 0, vacated_at: Date.now() })
    .where('id', '=', placement.id)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('tenants')
          .select('tenants.id')
          .whereRef('tenants.placement_id', '=', 'placements.id')
          .where('tenants.id', '=', tenantId)
          .where('tenants.state', '=', state),
      ),
    )
    .execute()
  const at = { kind: 'dedicated', host: placement.host, database: parseDatabaseName(placement.database_name) } as const
  const user = placement.db_user === null ? null : await dropDbUser(catalog, at, placement.db_user)
  if (!hasDatabase) return user
  const server = await catalog.hosts.serverOf(at.host)
  const owner = catalog.kysely.selectFrom('tenants').select('id').where('placement_id', '=', placement.id)
  const isOwn = (await owner.where('id', '=', tenantId).where('state', '=', state).executeTakeFirst()) !== undefined
  // What is left is the time that the statement takes to the server: whoever is held up for longer is held up before it.
  if (isOwn) await server.drop(at.database)
  return user
}
