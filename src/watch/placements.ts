import type { Catalog } from '../tenants/catalog.js'
import type { PlacementKind } from '../tenants/databases/index.js'

/** Tenants that live in databases of one kind on one host, in whatever state. */
export interface PlacementStanding {
  readonly kind: PlacementKind
  readonly host: string
  readonly tenants: number
}

/** Where the tenants live, most tenants first: one sum over all their rows. */
export async function readPlacements({ kysely }: Catalog): Promise<PlacementStanding[]> {
  const rows = await kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(eb => [
      eb.ref('placements.kind').$castTo<PlacementKind>().as('kind'),
      'hosts.name as host',
      eb.fn.countAll<number>().as('tenants'),
    ])
    .groupBy(['placements.kind', 'hosts.name'])
    .execute()
  return rows
    .map(row => ({ ...row, tenants: Number(row.tenants) }))
    .sort((a, b) => b.tenants - a.tenants || a.host.localeCompare(b.host) || a.kind.localeCompare(b.kind))
}
