import type { Catalog } from './catalog.js'

/** Longer than any creation is silent. */
const CLAIM_OVER_MS = 3_600_000
const MOST = 1_000

export interface UnplacedTenant {
  readonly id: number
  readonly slug: string
  /** It was never opened to anybody, and nobody is creating it: nothing of it is anywhere. */
  readonly isOnlyBegun: boolean
}

/** Tenants whose placement, or its host, is not in the catalog, by number, a thousand at most: no other look at tenants shows them. */
export async function unplacedTenants({ kysely }: Catalog, now: number): Promise<UnplacedTenant[]> {
  const rows = await kysely
    .selectFrom('tenants')
    .leftJoin('placements', 'placements.id', 'tenants.placement_id')
    .leftJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['tenants.id', 'slug', 'tenants.state', 'claimed_at', 'placements.id as placement'])
    .where('hosts.id', 'is', null)
    .orderBy('tenants.id')
    .limit(MOST)
    .execute()
  return rows.map(({ id, slug, state, claimed_at, placement }) => ({
    id,
    slug,
    isOnlyBegun: placement === null && state === 'provisioning' && (claimed_at ?? 0) < now - CLAIM_OVER_MS,
  }))
}

/** Forgets these as far as they are only begun, and without a placement, to the last; answers how many. */
export async function forgetBegun({ kysely }: Catalog, ids: readonly number[], now: number): Promise<number> {
  if (ids.length === 0) return 0
  const { numDeletedRows } = await kysely
    .deleteFrom('tenants')
    .where('id', 'in', ids)
    .where('state', '=', 'provisioning')
    .where(eb => eb.or([eb('claimed_at', 'is', null), eb('claimed_at', '<', now - CLAIM_OVER_MS)]))
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('placements').select('placements.id').whereRef('placements.id', '=', 'tenants.placement_id'))),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}
