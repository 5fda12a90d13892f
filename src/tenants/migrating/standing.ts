import { sql } from 'kysely'
import type { Catalog } from '../catalog.js'

/** Databases that have one version of the schema, as the catalog knows it, and the tenants whose rows are in them. */
export interface VersionCount {
  readonly version: number
  readonly databases: number
  readonly tenants: number
}

export interface Counted {
  readonly total: number
  readonly current: number
  readonly behind: number
  /** A later feedctl migrated them. */
  readonly ahead: number
}

/** How the schemas of the databases of tenants stand. Those that are made or removed right now (version 0) are in none of it. */
export interface Standing {
  readonly latest: number
  /** Lowest first. */
  readonly versions: readonly VersionCount[]
  readonly databases: Counted
  readonly tenants: Counted
}

/** By one statement, over indexes. `ids`: of these placements only. */
export async function readStanding(catalog: Catalog, latest: number, ids: readonly number[] | null = null): Promise<Standing> {
  if (ids !== null && ids.length === 0) return standingOf([], latest)
  const rows = await catalog.kysely
    .selectFrom('placements')
    .leftJoin('tenants', 'tenants.placement_id', 'placements.id')
    .select('placements.schema_version as version')
    .select(sql<number>`count(distinct placements.id)`.as('databases'))
    .select(sql<number>`count(tenants.id)`.as('tenants'))
    .where('placements.schema_version', '>', 0)
    .$if(ids !== null, query => query.where('placements.id', 'in', ids ?? []))
    .groupBy('placements.schema_version')
    .orderBy('placements.schema_version')
    .execute()
  const versions = rows.map(row => ({
    version: row.version,
    databases: Number(row.databases),
    tenants: Number(row.tenants),
  }))
  return standingOf(versions, latest)
}

function standingOf(versions: readonly VersionCount[], latest: number): Standing {
  const counted = (what: 'databases' | 'tenants'): Counted => {
    const sum = (included: (version: number) => boolean) =>
      versions.reduce((total, row) => total + (included(row.version) ? row[what] : 0), 0)
    return {
      total: sum(() => true),
      current: sum(version => version === latest),
      behind: sum(version => version < latest),
      ahead: sum(version => version > latest),
    }
  }
  return { latest, versions, databases: counted('databases'), tenants: counted('tenants') }
}
