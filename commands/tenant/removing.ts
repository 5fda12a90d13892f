import type { App } from '../../src/app.js'
import { isFailure } from '../../src/kernel/errors.js'
import type { TenantSlug } from '../../src/tenants/ids.js'

/** Removes a tenant at once with all there is of it, in whatever state it is; calm when it is not there. */
export async function removing(app: App): Promise<(slug: TenantSlug, signal: AbortSignal) => Promise<void>> {
  const [{ markDeleted, removeTenant }, { removeTenantMedia }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/media/remove-tenant.js'),
  ])
  return async (slug, signal) => {
    try {
      // A removal that was begun, and whose process died, is marked as such already.
      await markDeleted(app.catalog, slug, Date.now(), ['provisioning', 'active', 'suspended']).catch(error =>
        isFailure(error, 'TENANT_WRONG_STATE') ? null : Promise.reject(error),
      )
      await removeTenant(app.catalog, slug, tenant =>
        removeTenantMedia({ catalog: app.catalog, disks: () => app.disks() }, tenant, signal),
      )
    } catch (error) {
      if (!isFailure(error, 'TENANT_NOT_FOUND')) throw error
    }
  }
}
