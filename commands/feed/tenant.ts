import type { App } from '../../src/app.js'
import type { Tenant } from '../../src/tenants/tenant.js'

/** @throws {Failure} SLUG_INVALID, TENANT_NOT_FOUND, TENANT_WRONG_STATE */
export async function tenantNamed(app: App, slug: string): Promise<Tenant> {
  const [{ getActiveTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  return getActiveTenant(app.catalog, parseSlug(slug))
}
