import { isFailure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { MediaState, TenantState } from '../tenants/databases/index.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import { listTenants } from '../tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../tenants/upgrade.js'

const PAGE = 200
const LOOK_MS = 5_000

/** Of files that the bucket does not serve yet. */
const HERE = ['seen', 'hashed', 'uploading', 'uploaded', 'verified'] as const satisfies readonly MediaState[]

const WITH_MEDIA: readonly TenantState[] = ['active', 'suspended']

/** Whether any tenant has media that only the local disk serves; null where not all could be looked at, or not within some seconds. Reads only. */
export async function hasMediaHere(catalog: Catalog): Promise<boolean | null> {
  const end = Date.now() + LOOK_MS
  let isWhole = true
  for (let after: string | null = ''; after !== null; ) {
    const page = await listTenants(catalog, { limit: PAGE, ...(after === '' ? {} : { after }) })
    for (const tenant of page.tenants.filter(({ state }) => WITH_MEDIA.includes(state))) {
      if (Date.now() > end) return null
      // Tables of an earlier feedctl are not looked at: that would bring them up to date.
      const found = tenant.schemaVersion === TENANT_SCHEMA_VERSION ? await tenantHasMediaHere(catalog, tenant) : null
      if (found === true) return true
      if (found === null) isWhole = false
    }
    after = page.next
  }
  return isWhole ? false : null
}

/** Null where its host is away. */
export async function tenantHasMediaHere(catalog: Catalog, tenant: Parameters<typeof withTenant>[1]): Promise<boolean | null> {
  const look = (tables: TenantTables) => tables.media().where('state', 'in', HERE).select('id').limit(1).executeTakeFirst()
  try {
    return (await withTenant(catalog, tenant, look)) !== undefined
  } catch (error) {
    if (isFailure(error)) return null
    throw error
  }
}
