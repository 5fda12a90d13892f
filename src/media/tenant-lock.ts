import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import { whenUnlocked, withLock } from '../tenants/locks.js'
import { findTenant } from '../tenants/tenant.js'

const LOOK_EVERY_MS = 1_000
/** Whoever stores media of a tenant that is being removed stops within seconds, but for a file of which much is left to be uploaded. */
const PATIENCE_MS = 20_000

/** Held by who adds files to a tenant's media, and by who removes those that no post names: never both, or one would remove what the other has just found. */
export function tenantMediaLock(tenant: TenantId): string {
  return `media of tenant ${tenant}`
}

/** Held by who carries a tenant's files from one disk to the other; media that is new comes meanwhile. */
function tenantCarryLock(tenant: TenantId): string {
  return `moving media of tenant ${tenant}`
}

/**
 * Runs the deed on a tenant that nobody removes. `removed` aborts within a second or so after its removal has begun: the deed stops then, and
 * the removal waits for it. False, and nothing is done, when the removal had begun before. Called by who holds one of the tenant's locks.
 */
export async function unlessRemoved(
  catalog: Catalog,
  tenant: TenantId,
  deed: (removed: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  if (await isBeingRemoved(catalog, tenant)) return false
  const removed = new AbortController()
  const look = async () => {
    if (await isBeingRemoved(catalog, tenant)) removed.abort(new Failure('TENANT_WRONG_STATE', 'the tenant is being removed'))
  }
  // One look that fails is no harm: there are others.
  const timer = setInterval(() => void look().catch(() => {}), LOOK_EVERY_MS)
  try {
    await deed(removed.signal)
    return true
  } finally {
    clearInterval(timer)
  }
}

/** Runs the deed, which moves the tenant's files, as `unlessRemoved` does, while nobody else moves or removes them. @throws {Failure} LOCKED; what the deed throws */
export async function carryingMedia(
  catalog: Catalog,
  tenant: TenantId,
  deed: (stop: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  try {
    return await withLock(catalog, tenantCarryLock(tenant), lost =>
      unlessRemoved(catalog, tenant, removed => deed(AbortSignal.any([lost, removed]))),
    )
  } catch (error) {
    if (isFailure(error) && (await isBeingRemoved(catalog, tenant))) return false
    throw error
  }
}

/** Runs the deed when nobody stores, moves or removes media of the tenant, whose removal has begun: nobody will any more. @throws {Failure} LOCKED */
export async function removingMedia<T>(
  catalog: Catalog,
  tenant: TenantId,
  signal: AbortSignal,
  deed: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = { withinMs: PATIENCE_MS, signal }
  return whenUnlocked(catalog, tenantMediaLock(tenant), patience, lost =>
    whenUnlocked(catalog, tenantCarryLock(tenant), patience, lostToo => deed(AbortSignal.any([signal, lost, lostToo]))),
  )
}

async function isBeingRemoved(catalog: Catalog, id: TenantId): Promise<boolean> {
  const tenant = await findTenant(catalog, id)
  return tenant === null || tenant.state === 'deleting'
}
