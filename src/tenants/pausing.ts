import type { Catalog } from './catalog.js'
import type { TenantSlug } from './ids.js'
import { getTenant, type Tenant } from './tenant.js'

export interface PausedTenant {
  readonly tenant: Tenant
  /** Since when its jobs are put aside, epoch ms; null when they are done. */
  readonly pausedAt: number | null
}

/** Its jobs are put aside from now on; of one that is paused already, since then. @throws {Failure} TENANT_NOT_FOUND */
export async function pauseTenant(catalog: Catalog, slug: TenantSlug): Promise<PausedTenant> {
  const now = Date.now()
  await catalog.kysely
    .updateTable('tenants')
    .set({ paused_at: now, updated_at: now })
    .where('slug', '=', slug)
    .where('paused_at', 'is', null)
    .execute()
  return standing(catalog, slug)
}

/** Its jobs are done again, and it is due now; calm when it was not paused. @throws {Failure} TENANT_NOT_FOUND */
export async function resumeTenant(catalog: Catalog, slug: TenantSlug): Promise<PausedTenant> {
  await catalog.kysely
    .updateTable('tenants')
    .set({ paused_at: null, next_sync_at: null, updated_at: Date.now() })
    .where('slug', '=', slug)
    .where('paused_at', 'is not', null)
    .execute()
  return standing(catalog, slug)
}

async function standing(catalog: Catalog, slug: TenantSlug): Promise<PausedTenant> {
  const tenant = await getTenant(catalog, slug)
  const row = await catalog.kysely.selectFrom('tenants').select('paused_at').where('id', '=', tenant.id).executeTakeFirst()
  return { tenant, pausedAt: row?.paused_at ?? null }
}
