import { sql } from 'kysely'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { PlacementsTable } from '../databases/index.js'
import { type DatabaseName, parseDatabaseName, parseSlug, type TenantSlug } from '../ids.js'
import { REMOVAL_BEGUN } from '../tenant.js'

const PER_PAGE = 500

/** A database of tenants whose tables are there. */
export interface Migratable {
  readonly id: number
  readonly kind: PlacementsTable['kind']
  /** Name of the database host. */
  readonly host: string
  readonly database: DatabaseName
  readonly schemaVersion: number
  /** Whose rows are in it. */
  readonly tenants: number
  /** The one whose own it is; null for a shared one, and for a spare. */
  readonly tenant: TenantSlug | null
}

/** The placements of these tenants, each once. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE before any is answered */
export async function placementsNamed(catalog: Catalog, slugs: readonly TenantSlug[]): Promise<number[]> {
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .select(['tenants.slug', 'tenants.state', 'placements.id', 'placements.schema_version'])
    .where('tenants.slug', 'in', slugs)
    .execute()
  for (const slug of slugs) {
    const row = rows.find(found => found.slug === slug)
    if (row === undefined) throw new Failure('TENANT_NOT_FOUND', `there is no tenant ${slug}`, { hint: 'feedctl tenant list' })
    if (row.schema_version === 0)
      throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${row.state}: it has no tables`, {
        hint: `feedctl tenant show ${slug}`,
      })
  }
  return [...new Set(rows.map(row => row.id))]
}

/**
 * Those behind that version that are tried before all others, `most` of them: tenants' own databases first, then shared ones, and spare ones, which prove
 * least, at the end.
 */
export async function canariesOf(catalog: Catalog, latest: number, most: number): Promise<Migratable[]> {
  if (most === 0) return []
  const rows = await migratable(catalog)
    .where('placements.schema_version', '>', 0)
    .where('placements.schema_version', '<', latest)
    .orderBy(sql`case placements.kind when 'dedicated' then 0 when 'shared' then 1 else 2 end`)
    .orderBy('placements.id')
    .limit(most)
    .execute()
  return withTenants(catalog, rows)
}

/** Those of these numbers that are behind that version. */
export async function behindAmong(catalog: Catalog, latest: number, ids: readonly number[]): Promise<Migratable[]> {
  if (ids.length === 0) return []
  const rows = await migratable(catalog)
    .where('placements.id', 'in', ids)
    .where('placements.schema_version', '>', 0)
    .where('placements.schema_version', '<', latest)
    .orderBy('placements.id')
    .execute()
  return withTenants(catalog, rows)
}

/** Those of these numbers that are at that version. */
export async function* placementsAmong(catalog: Catalog, version: number, ids: readonly number[]): AsyncGenerator<Migratable> {
  const rows = await migratable(catalog)
    .where('placements.id', 'in', ids)
    .where('placements.schema_version', '=', version)
    .execute()
  yield* await withTenants(catalog, rows)
}

/** Every placement at one version, in pages, one of each host in turn; one that leaves the version meanwhile makes none be passed over. */
export async function* placementsAt(catalog: Catalog, version: number): AsyncGenerator<Migratable> {
  const hosts = await catalog.kysely.selectFrom('hosts').select('id').orderBy('id').execute()
  let turns = hosts.map(({ id }) => placementsOn(catalog, version, id))
  while (turns.length > 0) {
    const left: typeof turns = []
    for (const turn of turns) {
      const next = await turn.next()
      if (next.done) continue
      yield next.value
      left.push(turn)
    }
    turns = left
  }
}

/** In the order of their numbers. */
async function* placementsOn(catalog: Catalog, version: number, hostId: number): AsyncGenerator<Migratable, undefined> {
  for (let after = 0; ; ) {
    const rows = await migratable(catalog)
      .where('placements.host_id', '=', hostId)
      .where('placements.schema_version', '=', version)
      .where('placements.id', '>', after)
      .orderBy('placements.id')
      .limit(PER_PAGE)
      .execute()
    yield* await withTenants(catalog, rows)
    const last = rows.at(-1)
    if (last === undefined || rows.length < PER_PAGE) return undefined
    after = last.id
  }
}

/** Whether its tables are still there, and not being removed right now. */
export async function isThere(catalog: Catalog, placementId: number): Promise<boolean> {
  const row = await catalog.kysely
    .selectFrom('placements')
    .leftJoin('tenants', 'tenants.placement_id', 'placements.id')
    .select(['placements.kind', 'placements.schema_version', 'tenants.state', 'tenants.delete_after'])
    .where('placements.id', '=', placementId)
    .limit(1)
    .executeTakeFirst()
  if (row === undefined || row.schema_version === 0) return false
  return row.kind !== 'dedicated' || row.state !== 'deleting' || row.delete_after !== REMOVAL_BEGUN
}

function migratable(catalog: Catalog) {
  return catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.kind', 'placements.database_name', 'placements.schema_version', 'hosts.name as host'])
}

type Row = Awaited<ReturnType<ReturnType<typeof migratable>['execute']>>[number]

async function withTenants(catalog: Catalog, rows: readonly Row[]): Promise<Migratable[]> {
  if (rows.length === 0) return []
  const found = await catalog.kysely
    .selectFrom('tenants')
    .select('placement_id')
    .select(sql<number>`count(*)`.as('tenants'))
    .select(sql<string>`min(slug)`.as('slug'))
    .where(
      'placement_id',
      'in',
      rows.map(row => row.id),
    )
    .groupBy('placement_id')
    .execute()
  const known = new Map(found.map(row => [row.placement_id, row]))
  return rows.map(row => {
    const tenants = known.get(row.id)
    return {
      id: row.id,
      kind: row.kind,
      host: row.host,
      database: parseDatabaseName(row.database_name),
      schemaVersion: row.schema_version,
      tenants: Number(tenants?.tenants ?? 0),
      tenant: row.kind === 'dedicated' && tenants !== undefined ? parseSlug(tenants.slug) : null,
    }
  })
}
