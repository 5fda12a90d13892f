import { sql } from 'kysely'
import type { Catalog } from './catalog.js'
import type { TenantSchema } from './databases/index.js'
import { parseDatabaseName, type SourceId } from './ids.js'

const PLACEMENTS_PER_PAGE = 500

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
    for (const { database_name, host } of page) {
      signal.throwIfAborted()
      const unknown = ids.filter(id => !read.has(id))
      if (unknown.length === 0) return read
      for (const id of await readIn(catalog, host, database_name, unknown)) read.add(id)
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PLACEMENTS_PER_PAGE) return read
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
