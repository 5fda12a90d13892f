import type { Catalog } from './catalog.js'
import type { TenantId } from './ids.js'

/** Whether the placement is also another tenant's, which a dedicated one never should be. */
export async function hasOtherTenants(catalog: Catalog, placementId: number, tenantId: TenantId): Promise<boolean> {
  const other = await catalog.kysely
    .selectFrom('tenants')
    .select('id')
    .where('placement_id', '=', placementId)
    .where('id', '<>', tenantId)
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
}
