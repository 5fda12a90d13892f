import type { Catalog } from '../catalog.js'
import type { TenantSlug } from '../ids.js'
import { withLock } from '../locks.js'

/** Runs the deed while no other process moves the tenant, or removes copies of it. @throws {Failure} LOCKED naming the process that does */
export function withMoveLock<T>(
  catalog: Catalog,
  slug: TenantSlug,
  signal: AbortSignal,
  deed: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withLock(catalog, `move of tenant ${slug}`, lost => deed(AbortSignal.any([signal, lost])))
}
