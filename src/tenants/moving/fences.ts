import { DUMPED } from '../admission.js'
import type { Catalog } from '../catalog.js'
import { fenceOf, liftFence } from '../fence.js'
import type { TenantId, TenantSlug } from '../ids.js'
import type { Tenant } from '../tenant.js'
import { OPEN_STATES } from './ledger.js'

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

/** Tenants that are held off for a move that is not open, by number: nobody else lets their writers go on. At most `limit`. */
export async function strayFences({ kysely }: Catalog, limit: number): Promise<{ id: TenantId; slug: TenantSlug }[]> {
  const rows = await kysely
    .selectFrom('tenants')
    .select(['id', 'slug'])
    .where('move_id', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('moves')
            .select('moves.id')
            .whereRef('moves.id', '=', 'tenants.move_id')
            .where('moves.state', 'in', OPEN_STATES),
        ),
      ),
    )
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id, slug }) => ({ id: id as TenantId, slug: slug as TenantSlug }))
}
