import type { Catalog } from '../catalog.js'
import { insertRows } from '../databases/index.js'
import type { DatabaseName } from '../ids.js'
import { withLock } from '../locks.js'

export interface Unplaced {
  readonly host: string
  readonly name: DatabaseName
}

/**
 * Drops databases that no placement names, each under a placement of its own that keeps whoever creates a tenant off its name; what has a placement by now is left
 * alone, and so is what `isOurs` denies. Killed at any point, the next call goes on. Answers how many were dropped. @throws {Failure} LOCKED, UNAVAILABLE
 */
export async function dropUnplaced(
  catalog: Catalog,
  databases: readonly Unplaced[],
  isOurs: (database: Unplaced) => Promise<boolean>,
): Promise<number> {
  return withLock(catalog, 'dropping databases', async lost => {
    let dropped = 0
    for (const database of databases) {
      lost.throwIfAborted()
      const id = await keepOff(catalog, database)
      if (id === null) continue
      const server = await catalog.hosts.serverOf(database.host)
      const goes = await isOurs(database)
      lost.throwIfAborted()
      // Held up for long, another may have dropped it, and the name be a new tenant's by now.
      if (goes && (await keepsOff(catalog, id)) && (await server.drop(database.name))) dropped++
      await catalog.kysely.deleteFrom('placements').where('id', '=', id).where('kind', '=', 'dropping').execute()
    }
    return dropped
  })
}

/** The number of the placement that does; null where the database is somebody's by now. */
async function keepOff(catalog: Catalog, { host, name }: Unplaced): Promise<number | null> {
  const { id: hostId } = await catalog.kysely.selectFrom('hosts').select('id').where('name', '=', host).executeTakeFirstOrThrow()
  const row = {
    kind: 'dropping' as const,
    host_id: hostId,
    database_name: name as string,
    schema_version: 0,
    created_at: Date.now(),
  }
  await insertRows(catalog.database, 'placements', [row], 'keep')
  const placement = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'kind'])
    .where('host_id', '=', hostId)
    .where('database_name', '=', name)
    .executeTakeFirst()
  return placement?.kind === 'dropping' ? placement.id : null
}

async function keepsOff({ kysely }: Catalog, id: number): Promise<boolean> {
  const row = await kysely.selectFrom('placements').select('kind').where('id', '=', id).executeTakeFirst()
  return row?.kind === 'dropping'
}
