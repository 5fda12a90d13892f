import { readdir } from 'node:fs/promises'
import { isFailure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import { ownerAt } from '../tenants/database-owner.js'
import { TENANT_TABLES } from '../tenants/databases/index.js'
import { type DatabaseName, expectedDatabase, parseDatabaseName, parseTenantId, type TenantId } from '../tenants/ids.js'
import { TENANTS_PER_LOOK, tenantsIn } from '../tenants/removal/strays.js'

const IDS_PER_LOOK = 1_000
/** What is looked through of one kind, ms: then the rest is left for another time, and said so. */
const BUDGET_MS = 4_000
/** Whoever creates a tenant makes its placement before its row. */
const NEW_MS = 3_600_000

/** What was found of tenants that are not there. `more`: there was no time to look at everything. */
export interface Orphans<T> {
  readonly found: readonly T[]
  readonly more: boolean
  /** Names of the database hosts that could not be looked at; none where it is left out. */
  readonly away?: readonly string[]
}

export interface OrphanDatabase {
  readonly host: string
  readonly name: DatabaseName
}

export interface OrphanUser {
  readonly host: string
  /** That it was made for. */
  readonly database: DatabaseName
  readonly username: string
}

export interface OrphanRows {
  readonly host: string
  readonly database: DatabaseName
  readonly tenantId: TenantId
  /** That have rows of it. */
  readonly tables: readonly string[]
}

/** Of these numbers, those of no tenant: it was removed, or never was. */
async function withoutTenant(catalog: Catalog, ids: readonly number[]): Promise<Set<number>> {
  const there = new Set<number>()
  for (let from = 0; from < ids.length; from += IDS_PER_LOOK) {
    const some = ids.slice(from, from + IDS_PER_LOOK)
    for (const row of await catalog.kysely.selectFrom('tenants').select('id').where('id', 'in', some).execute()) there.add(row.id)
  }
  return new Set(ids.filter(id => !there.has(id)))
}

/**
 * Databases of this catalog, by the ledger within them, that no placement names, but for the one that a check of schemas makes and removes. Those of other
 * installations, whose names may begin alike, are none of ours.
 */
export async function orphanDatabases(catalog: Catalog, prefix: string): Promise<Orphans<OrphanDatabase>> {
  const found: OrphanDatabase[] = []
  const away = new Set<string>()
  const end = Date.now() + BUDGET_MS
  const expected = expectedDatabase(prefix, catalog.id)
  for (const { id, name: host } of await catalog.kysely.selectFrom('hosts').select(['id', 'name']).orderBy('id').execute()) {
    const names = await unlessAway(away, host, async () => (await catalog.hosts.serverOf(host)).names(prefix))
    if (away.has(host)) continue
    for (const name of await droppedOf(catalog, id)) if (!names.includes(name)) found.push({ host, name })
    for (let from = 0; from < names.length; from += IDS_PER_LOOK) {
      const some = names.slice(from, from + IDS_PER_LOOK)
      const placed = await catalog.kysely
        .selectFrom('placements')
        .select('database_name')
        .where('host_id', '=', id)
        // One that was not dropped to the end.
        .where('kind', '<>', 'dropping')
        .where('database_name', 'in', some)
        .execute()
      const known = new Set(placed.map(row => row.database_name))
      for (const name of some.filter(each => !known.has(each) && each !== expected)) {
        if (Date.now() > end) return { found, more: true, away: [...away] }
        if (await isOurs(catalog, host, name)) found.push({ host, name })
      }
    }
  }
  return { found, more: false, away: [...away] }
}

/** Names that are kept from new tenants, since their databases are being dropped, or were by one who was killed then. */
async function droppedOf({ kysely }: Catalog, hostId: number): Promise<DatabaseName[]> {
  const rows = await kysely
    .selectFrom('placements')
    .select('database_name')
    .where('host_id', '=', hostId)
    .where('kind', '=', 'dropping')
    .limit(IDS_PER_LOOK)
    .execute()
  return rows.map(row => parseDatabaseName(row.database_name))
}

/** What is there; nothing of a host that does not answer, or is known not to: it is noted. */
async function unlessAway<T>(away: Set<string>, host: string, look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  if (away.has(host)) return []
  try {
    return await look()
  } catch (error) {
    if (!isFailure(error)) throw error
    away.add(host)
    return []
  }
}

/** Users that were made for a database whose tenant is not there. */
export async function orphanUsers({ kysely }: Catalog): Promise<Orphans<OrphanUser>> {
  const rows = await kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['hosts.name as host', 'placements.database_name', 'placements.db_user'])
    .where('placements.db_user', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('tenants').select('tenants.id').whereRef('tenants.placement_id', '=', 'placements.id'))),
    )
    .orderBy('placements.id')
    .limit(IDS_PER_LOOK + 1)
    .execute()
  const found = rows
    .slice(0, IDS_PER_LOOK)
    .map(row => ({ host: row.host, database: parseDatabaseName(row.database_name), username: row.db_user ?? '' }))
  return { found, more: rows.length > IDS_PER_LOOK }
}

/** False for an empty one, and for one that cannot be read. */
export async function isOurs(catalog: Catalog, host: string, name: DatabaseName): Promise<boolean> {
  return (await ownerAt(catalog, { host, database: name }).catch(() => null)) === 'ours'
}

/** Placements for one tenant that none has, and that no move goes to or from. */
export async function orphanPlacements({ kysely }: Catalog, now: number): Promise<Orphans<string>> {
  const rows = await kysely
    .selectFrom('placements')
    .select(['id', 'database_name'])
    .where('kind', '=', 'dedicated')
    .where('schema_version', '>', 0)
    .where('created_at', '<', now - NEW_MS)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('tenants').select('tenants.id').whereRef('tenants.placement_id', '=', 'placements.id'))),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('moves')
            .select('moves.id')
            .where('moves.ended_at', 'is', null)
            .where(eb =>
              eb.or([
                eb('moves.from_placement_id', '=', eb.ref('placements.id')),
                eb('moves.to_placement_id', '=', eb.ref('placements.id')),
              ]),
            ),
        ),
      ),
    )
    .orderBy('id')
    .limit(IDS_PER_LOOK + 1)
    .execute()
  return { found: rows.slice(0, IDS_PER_LOOK).map(row => row.database_name), more: rows.length > IDS_PER_LOOK }
}

/** Rows in shared databases whose tenant is not there: by the numbers at the front of every table's key, never by a look at the rows. */
export async function orphanRows(catalog: Catalog): Promise<Orphans<OrphanRows>> {
  const end = Date.now() + BUDGET_MS
  const away = new Set<string>()
  const found = new Map<string, { host: string; database: DatabaseName; tenantId: TenantId; tables: string[] }>()
  const shared = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['hosts.name as host', 'placements.database_name'])
    .where('placements.kind', '=', 'shared')
    .where('placements.schema_version', '>', 0)
    .orderBy('placements.id')
    .execute()
  for (const { host, database_name } of shared) {
    const database = parseDatabaseName(database_name)
    for (const table of TENANT_TABLES) {
      for (let after = 0; ; ) {
        if (Date.now() > end) return { found: [...found.values()], more: true, away: [...away] }
        const ids = await unlessAway(away, host, () => tenantsIn(catalog, { host, database }, table, after))
        for (const id of await withoutTenant(catalog, ids)) {
          const key = `${host} ${database} ${id}`
          const known = found.get(key)
          if (known === undefined) found.set(key, { host, database, tenantId: parseTenantId(id), tables: [table] })
          else known.tables.push(table)
        }
        const last = ids.at(-1)
        if (last === undefined || ids.length < TENANTS_PER_LOOK) break
        after = last
      }
    }
  }
  return { found: [...found.values()], more: false, away: [...away] }
}

/** Numbers of tenants that are not there and have a folder below that of local media. */
export async function orphanFolders(catalog: Catalog, folder: string): Promise<Orphans<number>> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const ids = names.filter(name => /^[1-9]\d{0,14}$/.test(name)).map(Number)
  return { found: [...(await withoutTenant(catalog, ids))].sort((a, b) => a - b), more: false }
}

/** Numbers of tenants that are not there, of all that the pages name, as far as there is time. */
export async function goneAmong(catalog: Catalog, pages: AsyncIterable<readonly number[]>): Promise<Orphans<number>> {
  const end = Date.now() + BUDGET_MS
  const looked = new Set<number>()
  const found = new Set<number>()
  for await (const page of pages) {
    const fresh = [...new Set(page)].filter(id => !looked.has(id))
    for (const id of fresh) looked.add(id)
    for (const id of await withoutTenant(catalog, fresh)) found.add(id)
    if (Date.now() > end) return { found: [...found], more: true }
  }
  return { found: [...found], more: false }
}

/** Of these numbers, those of tenants that were removed to the end, as their receipts say. */
export async function removedToTheEnd({ kysely }: Catalog, ids: readonly number[]): Promise<number[]> {
  if (ids.length === 0) return []
  const rows = await kysely
    .selectFrom('receipts')
    .select('tenant_id')
    .where('tenant_id', 'in', ids.slice(0, IDS_PER_LOOK))
    .where('removed_at', 'is not', null)
    .execute()
  return rows.map(row => row.tenant_id)
}
