import { sql } from 'kysely'
import type { Catalog } from './catalog.js'
import { parseTenantId, type TenantId } from './ids.js'
import type { Tenant } from './tenant.js'

/** How far back a look goes behind the newest change it knows: clocks of several machines differ, and a change is seen only when it is committed. */
const OVERLAP_MS = 10_000

export interface ContentChange {
  readonly id: TenantId
  readonly version: number
  readonly changedAt: number
}

/** Tells everyone who keeps answers about the tenant that they may have changed; after the change is committed, never before. */
export async function contentChanged(catalog: Catalog, tenantId: Tenant['id'], now = Date.now()): Promise<void> {
  await catalog.kysely
    .updateTable('tenants')
    .set({ content_version: sql`content_version + 1`, content_changed_at: now })
    .where('id', '=', tenantId)
    .execute()
}

/** Tenants whose content changed after `newest`, or shortly before; those that were told of already may be among them. */
export async function changedContent(catalog: Catalog, newest: number): Promise<ContentChange[]> {
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .select(['id', 'content_version', 'content_changed_at'])
    .where('content_changed_at', '>', newest - OVERLAP_MS)
    .execute()
  return rows.map(row => ({ id: parseTenantId(row.id), version: row.content_version, changedAt: row.content_changed_at }))
}
