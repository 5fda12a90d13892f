import type { Catalog } from '../catalog.js'
import { OPEN_STATES } from '../moving/ledger.js'

/** Whoever creates a tenant may hold the number of a placement for moments before the tenant's row names it. */
const HELD_MS = 3_600_000
const PAGE = 500

/**
 * Forgets the names of databases that were dropped with their tenant, an hour after, unless somebody creates a tenant of that name.
 * Answers how many there were.
 */
export async function forgetVacated(catalog: Catalog, now: number): Promise<number> {
  for (let [forgotten, after] = [0, 0]; ; ) {
    const page = await catalog.kysely
      .selectFrom('placements')
      .select('id')
      .where('vacated_at', '<', now - HELD_MS)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    const ids = page.map(row => row.id)
    after = ids.at(-1) ?? after
    if (ids.length > 0) {
      const gone = await catalog.kysely
        .deleteFrom('placements')
        .where('id', 'in', ids)
        .where('vacated_at', '<', now - HELD_MS)
        .where('schema_version', '=', 0)
        .where('kind', '=', 'dedicated')
        .where('id', 'not in', eb => eb.selectFrom('tenants').select('placement_id').where('placement_id', 'in', ids))
        .where('id', 'not in', eb =>
          eb
            .selectFrom('moves')
            .select('from_placement_id')
            .where('from_placement_id', 'in', ids)
            .where('state', 'in', OPEN_STATES),
        )
        .where('id', 'not in', eb =>
          eb.selectFrom('moves').select('to_placement_id').where('to_placement_id', 'in', ids).where('state', 'in', OPEN_STATES),
        )
        .executeTakeFirst()
      forgotten += Number(gone.numDeletedRows)
    }
    if (ids.length < PAGE) return forgotten
  }
}
