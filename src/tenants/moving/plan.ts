import type { Catalog } from '../catalog.js'
import type { TenantSchema } from '../databases/index.js'
import type { TenantSlug } from '../ids.js'
import { getTenant, type Placement } from '../tenant.js'
import { refuseToMove } from './refusals.js'
import { countRows } from './rows.js'
import { MOVED_TABLES, type MovedTable } from './shapes.js'
import { placeFor, placementAt, type Wish, wishedFor } from './targets.js'

/** What a move would do. */
export interface Planned {
  readonly tenant: TenantSlug
  readonly from: Placement
  readonly to: Placement
  readonly outcome: 'would move' | 'there'
  readonly rows: number
  /** Per table; those without rows are left out. */
  readonly tables: Partial<Record<MovedTable, number>>
}

/** Looks, and changes nothing. @throws {Failure} what `moveTenant` would refuse before it begins */
export async function planMove(catalog: Catalog, prefix: string, slug: TenantSlug, wish: Wish): Promise<Planned> {
  const tenant = await getTenant(catalog, slug)
  await refuseToMove(catalog, tenant)
  const { host, kind } = wishedFor(tenant, wish)
  const from = tenant.placement
  if (host === tenant.placement.host && kind === tenant.placement.kind)
    return { tenant: slug, from, to: from, outcome: 'there', rows: 0, tables: {} }
  const to = await placeFor(catalog, prefix, tenant, wish)
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  const tables = await server.use<TenantSchema, Partial<Record<MovedTable, number>>>(tenant.placement.database, async open => {
    const counted: Partial<Record<MovedTable, number>> = {}
    for (const table of MOVED_TABLES) {
      const rows = await countRows({ database: open, tenantId: tenant.id }, table)
      if (rows > 0) counted[table] = rows
    }
    return counted
  })
  const rows = Object.values(tables).reduce((sum, some) => sum + some, 0)
  return { tenant: slug, from, to: placementAt(to), outcome: 'would move', rows, tables }
}
