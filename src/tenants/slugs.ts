import { chunksOf } from '../kernel/chunks.js'
import type { Catalog } from './catalog.js'
import { parseSlug, type TenantSlug } from './ids.js'

const IDS_PER_STATEMENT = 500

/** The slugs of tenants by id; one that is not there any more is left out. */
export async function slugsOf(catalog: Catalog, ids: Iterable<number>): Promise<Map<number, TenantSlug>> {
  const slugs = new Map<number, TenantSlug>()
  for (const chunk of chunksOf([...new Set(ids)], IDS_PER_STATEMENT)) {
    const rows = await catalog.kysely.selectFrom('tenants').select(['id', 'slug']).where('id', 'in', chunk).execute()
    for (const row of rows) slugs.set(row.id, parseSlug(row.slug))
  }
  return slugs
}
