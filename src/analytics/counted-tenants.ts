import { chunksOf } from '../kernel/chunks.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import { REMOVAL_BEGUN, type Tenant, tenantOf, tenantRows } from '../tenants/tenant.js'

const IDS_PER_LOOK = 1_000

/** Those of the tenants whose events are counted: all that may ever be active (again), since their events were accepted. */
export async function tenantsToCount(catalog: Catalog, ids: readonly TenantId[]): Promise<Map<TenantId, Tenant>> {
  const tenants = new Map<TenantId, Tenant>()
  for (const some of chunksOf(ids, IDS_PER_LOOK)) {
    const rows = await tenantRows(catalog).where('tenants.id', 'in', some).execute()
    for (const tenant of rows.map(tenantOf)) {
      const isRemoved = tenant.state === 'deleting' && tenant.deleteAfterAt === REMOVAL_BEGUN
      if (!isRemoved && tenant.state !== 'provisioning') tenants.set(tenant.id, tenant)
    }
  }
  return tenants
}
