import { sql } from 'kysely'
import { chunksOf } from '../kernel/chunks.js'
import { isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { TenantSchema } from './databases/index.js'
import { parseDatabaseName, type SourceId } from './ids.js'

const PLACEMENTS_PER_PAGE = 500
const IDS_PER_STATEMENT = 1_000
/** No source has this number. */
const NO_SOURCE = 0 as SourceId

/** From now on it may be that nobody reads these sources. */
export async function noteLeft(catalog: Catalog, ids: readonly number[]): Promise<void> {
  for (const some of chunksOf(ids, IDS_PER_STATEMENT))
    await catalog.kysely.updateTable('sources').set({ left_at: Date.now() }).where('id', 'in', some).execute()
}

/**
 * Those of the sources (a thousand at most) that some tenant reads, whatever its state: a question that is put to the rows of all tenants at once. It
 * answers numbers of sources, and nothing of whose they are. @throws {Failure} UNAVAILABLE when a host does not answer; the signal's reason
 */
export async function sourcesRead(
  catalog: Catalog,
  ids: readonly SourceId[],
  signal: AbortSignal,
): Promise<ReadonlySet<SourceId>> {
  const read = new Set<SourceId>()
  for await (const { host, name } of placementsOf(catalog)) {
    signal.throwIfAborted()
    const unknown = ids.filter(id => !read.has(id))
    if (unknown.length === 0) return read
    for (const id of await readIn(catalog, host, name, unknown)) read.add(id)
  }
  return read
}

/** Placements that cannot be asked what they read, so that no source is forgotten, with the reason; as many as are found until the time is over. */
export async function unreadablePlacements(
  catalog: Catalog,
  budgetMs: number,
): Promise<{ readonly found: readonly { readonly place: string; readonly why: string }[]; readonly more: boolean }> {
  const end = Date.now() + budgetMs
  const found: { place: string; why: string }[] = []
  for await (const { host, name } of placementsOf(catalog)) {
    if (Date.now() > end) return { found, more: true }
    try {
      await readIn(catalog, host, name, [NO_SOURCE])
    } catch (error) {
      if (!isFailure(error)) throw error
      found.push({ place: `${host}/${name}`, why: error.message })
    }
  }
  return { found, more: false }
}

async function* placementsOf(catalog: Catalog): AsyncGenerator<{ readonly host: string; readonly name: string }> {
  for (let after = 0; ; ) {
    const page = await catalog.kysely
      .selectFrom('placements')
      .innerJoin('hosts', 'hosts.id', 'placements.host_id')
      .select(['placements.id', 'placements.database_name', 'hosts.name as host'])
      .where('placements.schema_version', '>', 0)
      .where('placements.kind', '<>', 'spare')
      .where('placements.id', '>', after)
      .orderBy('placements.id')
      .limit(PLACEMENTS_PER_PAGE)
      .execute()
    for (const { database_name: name, host } of page) yield { host, name }
    const last = page.at(-1)
    if (last === undefined || page.length < PLACEMENTS_PER_PAGE) return
    after = last.id
  }
}

async function readIn(catalog: Catalog, host: string, name: string, ids: readonly SourceId[]): Promise<SourceId[]> {
  const server = await catalog.hosts.serverOf(host)
  return server.use<TenantSchema, SourceId[]>(parseDatabaseName(name), async database => {
    const feeds = sql.raw(database.qualify('feeds'))
    const found = await sql<{ source_id: SourceId }>`
      /* of all tenants */ select distinct source_id from ${feeds} where source_id in (${sql.join([...ids])})`.execute(
      database.kysely,
    )
    return found.rows.map(row => row.source_id)
  })
}
