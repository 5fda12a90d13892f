import type { Catalog } from '../tenants/catalog.js'
import { contentColumns } from '../tenants/content-version.js'
import type { TenantId } from '../tenants/ids.js'

/** The tenant has feeds that no sync and no kept answer knows of: it is due now, and stays so when a sync that is under way ends. */
export async function makeDue(catalog: Catalog, tenant: TenantId): Promise<void> {
  await catalog.kysely
    .updateTable('tenants')
    .set({ next_sync_at: null, updated_at: Date.now(), ...contentColumns(catalog) })
    .where('id', '=', tenant)
    .execute()
}
