import { DUMPED } from '../admission.js'
import type { Catalog } from '../catalog.js'
import { fenceOf, liftFence } from '../fence.js'
import type { Tenant } from '../tenant.js'

/**
 * Lifts whatever fence a move has left around the tenant where it lives, so that it is written again. For who holds the lock of its moves: nobody else has a
 * fence up then, but one who was held up and has lost.
 */
export async function clearFence(catalog: Catalog, tenant: Tenant): Promise<void> {
  const row = await catalog.kysely.selectFrom('tenants').select('move_id').where('id', '=', tenant.id).executeTakeFirst()
  const there = await fenceOf(catalog, tenant)
  const fences = new Set([row?.move_id ?? null, there ?? null])
  for (const moveId of fences) if (moveId !== null && moveId !== DUMPED) await liftFence(catalog, tenant, moveId)
}
