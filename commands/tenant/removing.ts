import type { App } from '../../src/app.js'
import { isFailure } from '../../src/kernel/errors.js'
import type { TenantSlug } from '../../src/tenants/ids.js'

/** Removes tenants at once with all there is of them, in whatever state they are; calm about those that are not there. */
export async function removing(
  app: App,
  by: string,
): Promise<(slugs: readonly TenantSlug[], signal: AbortSignal) => Promise<void>> {
  const [{ markDue }, { removeTogether }] = await Promise.all([
    import('../../src/tenants/removal.js'),
    import('../../src/tenants/remove-due.js'),
  ])
  return async (slugs, signal) => {
    for (const slug of slugs)
      await markDue(app.catalog, slug).catch(error => (isFailure(error, 'TENANT_NOT_FOUND') ? null : Promise.reject(error)))
    const { failures } = await removeTogether(app.catalog, slugs, { parts: await app.removal(signal), by, signal })
    signal.throwIfAborted()
    if (failures[0] !== undefined) throw failures[0].error
  }
}
