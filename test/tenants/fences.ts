import type { Catalog } from '../../src/tenants/catalog.js'
import { insertRows, type TenantSchema } from '../../src/tenants/databases/index.js'
import { fenceTenant } from '../../src/tenants/fence.js'
import type { Place } from '../../src/tenants/moving/rows.js'
import type { Tenant } from '../../src/tenants/tenant.js'

/** Puts a fence up for a move of that number, which copies from where the tenant lives. */
export async function fence(catalog: Catalog, tenant: Tenant, moveId: number): Promise<void> {
  const place = { from_placement_id: tenant.placementId, to_placement_id: tenant.placementId }
  const now = Date.now()
  const row = {
    id: moveId,
    tenant_id: tenant.id as number,
    ...place,
    state: 'copying',
    started_at: now,
    updated_at: now,
  } as const
  await insertRows(catalog.database, 'moves', [row], {
    key: ['id'],
    replace: ['tenant_id', 'from_placement_id', 'to_placement_id', 'state'],
  })
  await fenceTenant(catalog, tenant, moveId)
}

/** Runs the deed on the rows of a tenant in a placement, as a mover sees them. */
export async function atPlace<T>({ hosts }: Catalog, { id, placement }: Tenant, deed: (place: Place) => Promise<T>): Promise<T> {
  const server = await hosts.serverOf(placement.host)
  return server.use<TenantSchema, T>(placement.database, database => deed({ database, tenantId: id }))
}
