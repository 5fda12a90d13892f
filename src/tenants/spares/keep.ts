import { randomBytes } from 'node:crypto'
import { Crew } from '../../kernel/crew.js'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { insertRows } from '../databases/index.js'
import { placing } from '../hosts/placing.js'
import { type DatabaseName, parseDatabaseName, parseSlug, spareDatabase } from '../ids.js'
import { withLock } from '../locks.js'
import { madeAtOnce, makeReady } from '../make-ready.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'

/** Whoever makes or drops spare databases holds it, so that each is one process's at a time; takers need none. */
export const SPARES_LOCK = 'spare databases'

export interface SpareCounts {
  /** Migrated, to be taken at once. */
  readonly ready: number
  /** Not made to the end, or of an earlier schema: the next filling sees to them. */
  readonly unready: number
}

export interface SpareFilling extends SpareCounts {
  /** Made ready by this call. */
  readonly made: number
}

interface Unready {
  readonly id: number
  readonly host: string
  readonly database: DatabaseName
  readonly schemaVersion: number
}

export async function countSpares(catalog: Catalog): Promise<SpareCounts> {
  const rows = await catalog.kysely
    .selectFrom('placements')
    .select(eb => ['schema_version', eb.fn.countAll<number>().as('spares')])
    .where('kind', '=', 'spare')
    .groupBy('schema_version')
    .execute()
  const sum = (isReady: boolean) =>
    rows
      .filter(row => (row.schema_version === TENANT_SCHEMA_VERSION) === isReady)
      .reduce((total, row) => total + Number(row.spares), 0)
  return { ready: sum(true), unready: sum(false) }
}

/**
 * Finishes what a killed filling left, brings older ones up to date, and makes as many as are wanting; more than that are left. Killed at any point, the next
 * call goes on. Stops between two when the signal aborts, with its reason.
 * @throws {Failure} LOCKED while another process does it; UNAVAILABLE, HOST_NOT_FOUND
 */
export async function keepSpares(
  catalog: Catalog,
  prefix: string,
  wanted: number,
  { signal, progress = () => {} }: { readonly signal: AbortSignal; readonly progress?: (made: number) => void },
): Promise<SpareFilling> {
  return withLock(catalog, SPARES_LOCK, async lost => {
    const stop = AbortSignal.any([signal, lost])
    let made = 0
    const crew = new Crew(await madeAtOnce(catalog, 'default'))
    const finish = async (spare: Unready) => {
      await makeReady(catalog, { ...spare, kind: 'dedicated' })
      if (await becomeReady(catalog, spare)) progress(++made)
    }
    try {
      for (const spare of await unreadySpares(catalog)) {
        stop.throwIfAborted()
        await crew.do(() => finish(spare))
      }
      await crew.end()
      for (let missing = wanted - (await countSpares(catalog)).ready; missing > 0; missing--) {
        stop.throwIfAborted()
        await crew.do(async () => finish(await addSpare(catalog, prefix)))
      }
      await crew.end()
    } finally {
      await crew.settled()
    }
    return { ...(await countSpares(catalog)), made }
  })
}

/**
 * Drops all that nobody has taken; killed at any point, the next call goes on, or a filling makes them again. How many.
 * @throws {Failure} LOCKED while another process makes some; UNAVAILABLE; the signal's reason
 */
export async function dropSpares(catalog: Catalog, { signal }: { readonly signal: AbortSignal }): Promise<number> {
  return withLock(catalog, SPARES_LOCK, async lost => {
    const stop = AbortSignal.any([signal, lost])
    // From here on nobody takes one.
    await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('kind', '=', 'spare').execute()
    let dropped = 0
    for (const { id, host, database } of await unreadySpares(catalog)) {
      stop.throwIfAborted()
      await (await catalog.hosts.serverOf(host)).drop(database)
      await catalog.kysely.deleteFrom('placements').where('id', '=', id).where('kind', '=', 'spare').execute()
      dropped++
    }
    return dropped
  })
}

/** At most as many as were ever wanted: ten thousand. */
async function unreadySpares(catalog: Catalog): Promise<Unready[]> {
  const rows = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.database_name', 'placements.schema_version', 'hosts.name as host'])
    .where('placements.kind', '=', 'spare')
    .where('placements.schema_version', '<', TENANT_SCHEMA_VERSION)
    .orderBy('placements.id')
    .execute()
  return rows.map(row => ({
    id: row.id,
    host: row.host,
    database: parseDatabaseName(row.database_name),
    schemaVersion: row.schema_version,
  }))
}

/** Its row, before there is a database: what is begun is never lost sight of. On the host that the next tenant would go to. */
async function addSpare(catalog: Catalog, prefix: string): Promise<Unready> {
  const token = randomBytes(6).toString('hex')
  return placing(catalog, prefix, [{ slug: parseSlug(token), placement: 'dedicated' }], async ([place]) => {
    if (place === undefined || place instanceof Failure) throw place ?? new Failure('HOST_NOT_FOUND', 'there is no database host')
    const { hostId, host } = place
    const database = spareDatabase(prefix, token)
    const row = {
      kind: 'spare' as const,
      host_id: hostId,
      database_name: database as string,
      schema_version: 0,
      created_at: Date.now(),
    }
    await insertRows(catalog.database, 'placements', [row])
    const { id } = await catalog.kysely
      .selectFrom('placements')
      .select('id')
      .where('host_id', '=', hostId)
      .where('database_name', '=', database)
      .executeTakeFirstOrThrow()
    return { id, host, database, schemaVersion: 0 }
  })
}

async function becomeReady(catalog: Catalog, spare: Unready): Promise<boolean> {
  const changed = await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: TENANT_SCHEMA_VERSION })
    .where('id', '=', spare.id)
    .where('kind', '=', 'spare')
    .where('schema_version', '<', TENANT_SCHEMA_VERSION)
    .executeTakeFirst()
  // One that is brought up to date writes it itself.
  return changed.numUpdatedRows > 0n || spare.schemaVersion > 0
}
