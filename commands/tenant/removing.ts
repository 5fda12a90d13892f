import type { App } from '../../src/app.js'
import { isFailure } from '../../src/kernel/errors.js'
import type { TenantSlug } from '../../src/tenants/ids.js'

/** Removes tenants at once with all there is of them, in whatever state they are; calm about those that are not there. */
export async function removing(
  app: App,
  by: string,
): Promise<(slugs: readonly TenantSlug[], signal: AbortSignal) => Promise<void>> {
  const { markDeleted, removeTenant } = await import('../../src/tenants/removal.js')
  return async (slugs, signal) => {
    const calm = (error: unknown) => (isFailure(error, 'TENANT_NOT_FOUND') ? null : Promise.reject(error))
    // All are hidden before the first goes: each removal waits until every process has heard of that.
    for (const slug of slugs) {
      await markDeleted(app.catalog, slug, Date.now(), ['provisioning', 'active', 'suspended']).catch(error =>
        // A removal that was begun, and whose process died, is marked as such already.
        isFailure(error, 'TENANT_WRONG_STATE') ? null : calm(error),
      )
    }
    const parts = await app.removal(signal)
    for (const slug of slugs) await removeTenant(app.catalog, slug, { parts, by, signal }).catch(calm)
  }
}
