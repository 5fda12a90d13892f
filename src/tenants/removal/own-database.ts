import type { Catalog } from '../catalog.js'
import { isSeenAsAnothers } from '../database-owner.js'
import type { TenantState } from '../databases/index.js'
import { dropDbUser } from '../db-users.js'
import { parseDatabaseName, type TenantId } from '../ids.js'
import { hasOtherTenants } from '../placement-tenants.js'

/** Who has a placement, as its row in the catalog has to say. `holder` of the claim, where it is being created. */
interface PlacementOwner {
  readonly id: TenantId
  readonly state: TenantState
  readonly holder?: string
}

/** Before its database goes: a placement that is left over must not pass for one whose tables are there. Nothing where it is somebody else's by now. */
export async function vacate({ kysely }: Catalog, placementId: number, { id, state, holder }: PlacementOwner): Promise<void> {
  await kysely
    .updateTable('placements')
    .set({ schema_version: 0, vacated_at: Date.now() })
    .where('id', '=', placementId)
    .where(({ exists, selectFrom }) => {
      const owner = selectFrom('tenants')
        .select('tenants.id')
        .whereRef('tenants.placement_id', '=', 'placements.id')
        .where('tenants.id', '=', id)
        .where('tenants.state', '=', state)
      return exists(holder === undefined ? owner : owner.where('tenants.claimed_by', '=', holder))
    })
    .execute()
}

/**
 * Removes the own database of a tenant that is being removed, and its user, unless another tenant has it too; answers the user's name, null for none. The
 * database stays where it was seen not to be `ours`, and where another installation has made one of that name since. Whoever is held up meanwhile removes nothing
 * of the next tenant of that name: that one is there only when this one is gone. The placement's row stays for that one, which may hold its number already.
 */
export async function dropDatabase(
  catalog: Catalog,
  tenantId: TenantId,
  { ours }: { readonly ours: boolean },
): Promise<string | null> {
  const state = 'deleting'
  const placement = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.database_name', 'placements.db_user', 'hosts.name as host'])
    .where('tenants.id', '=', tenantId)
    .where('tenants.state', '=', state)
    .executeTakeFirst()
  if (placement === undefined || (await hasOtherTenants(catalog, placement.id, tenantId))) return null
  await vacate(catalog, placement.id, { id: tenantId, state })
  const at = { kind: 'dedicated', host: placement.host, database: parseDatabaseName(placement.database_name) } as const
  const user = placement.db_user === null ? null : await dropDbUser(catalog, at, placement.db_user)
  if (!ours || (await isSeenAsAnothers(catalog, at))) return user
  const server = await catalog.hosts.serverOf(at.host)
  const owner = catalog.kysely.selectFrom('tenants').select('id').where('placement_id', '=', placement.id)
  const isOwn = (await owner.where('id', '=', tenantId).where('state', '=', state).executeTakeFirst()) !== undefined
  // What is left is the time that the statement takes to the server: whoever is held up for longer is held up before it.
  if (isOwn) await server.drop(at.database)
  return user
}
