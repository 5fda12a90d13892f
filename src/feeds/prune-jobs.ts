import { isFailure } from '../kernel/errors.js'
import { isHeldOff } from '../tenants/admission.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseTenantId, type TenantId } from '../tenants/ids.js'
import { findTenant } from '../tenants/tenant.js'
import { pruneTenant } from './retention.js'
import type { RetentionPolicy } from './retention-policy.js'

const PAGE = 1_000

/**
 * Hands over the ids of all active tenants that are neither paused nor held off by a move, a thousand at a time, each page when the one before was taken.
 * @throws the signal's reason between two pages
 */
export async function eachActiveTenant(
  catalog: Catalog,
  signal: AbortSignal,
  take: (tenants: readonly TenantId[]) => Promise<unknown>,
): Promise<void> {
  for (let after = 0; ; ) {
    signal.throwIfAborted()
    const rows = await catalog.kysely
      .selectFrom('tenants')
      .select('id')
      .where('state', '=', 'active')
      .where('paused_at', 'is', null)
      .where('move_id', 'is', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    const last = rows.at(-1)
    if (last === undefined) return
    await take(rows.map(row => parseTenantId(row.id)))
    after = last.id
  }
}

/** Prunes the posts of one tenant; calm about one that is gone, not active (any more) or held off by a move. @throws the signal's reason; {Failure} UNAVAILABLE */
export async function pruneTenantJob(
  catalog: Catalog,
  id: TenantId,
  retention: RetentionPolicy,
  signal: AbortSignal,
): Promise<void> {
  const tenant = await findTenant(catalog, id)
  if (tenant?.state !== 'active') return
  try {
    await pruneTenant({ catalog }, tenant, { settings: retention, signal })
  } catch (error) {
    // The next round prunes it.
    if (isHeldOff(error)) return
    // Suspended or removed meanwhile: nothing of it is to be pruned.
    const left = isFailure(error) && !signal.aborted && (await findTenant(catalog, id))?.state !== 'active'
    if (!left) throw error
  }
}
