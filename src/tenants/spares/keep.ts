import { randomBytes } from 'node:crypto'
import { Crew } from '../../kernel/crew.js'
import { FirstBug, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { lookBeforeDrop } from '../database-owner.js'
import { insertRows, isHostAway } from '../databases/index.js'
import { hostForSpare, inTurn } from '../hosts/placing.js'
import { type DatabaseName, isSpareDatabase, parseDatabaseName, spareDatabase } from '../ids.js'
import { withLock } from '../locks.js'
import { madeAtOnce, makeReady } from '../make-ready.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'
import { type SpareFailure, spareFailure } from './failures.js'
import { readySpares } from './take.js'

/** Whoever makes or drops spare databases holds it, so that each is one process's at a time; takers need none. */
export const SPARES_LOCK = 'spare databases'

/** More than are wanted that may be left unfinished; then no more are begun, or servers that fail each would fill the catalog. */
const LEFT_UNFINISHED = 20

export interface SpareCounts {
  /** Migrated, to be taken at once: not those of a host that drains, has a bound of tenants, or has weight 0. */
  readonly ready: number
  /** Not made to the end, or of an earlier schema: the next filling sees to them. */
  readonly unready: number
}

export interface SpareFilling extends SpareCounts {
  /** Made ready by this call. */
  readonly made: number
  /** In the order they failed; each is tried again by the next filling. */
  readonly failures: readonly SpareFailure[]
}

interface Unready {
  readonly id: number
  readonly kind: 'spare' | 'dropping'
  readonly host: string
  readonly database: DatabaseName
  readonly schemaVersion: number
  /** Seen to be this installation's before its drop was begun: it may be dropped by half. */
  readonly wasSeen: boolean
}

export async function countSpares(catalog: Catalog): Promise<SpareCounts> {
  const [ready, unready] = await Promise.all([
    readySpares(catalog)
      .where('hosts.weight', '>', 0)
      .select(eb => eb.fn.countAll<number>().as('spares'))
      .executeTakeFirstOrThrow(),
    catalog.kysely
      .selectFrom('placements')
      .select(eb => eb.fn.countAll<number>().as('spares'))
      .where('kind', '=', 'spare')
      .where('schema_version', '<', TENANT_SCHEMA_VERSION)
      .executeTakeFirstOrThrow(),
  ])
  return { ready: Number(ready.spares), unready: Number(unready.spares) }
}

/**
 * Finishes what a killed filling left, brings older ones up to date, and makes as many as are wanting; more than that are left. One that fails does not keep the
 * others, and each is tried once. Killed at any point, the next call goes on. Stops between two when the signal aborts, with its reason.
 * @throws {Failure} LOCKED while another process does it; HOST_FULL without a host for them; UNAVAILABLE without the catalog; the first bug, at the end and before any of these
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
    const failures: SpareFailure[] = []
    const bug = new FirstBug()
    const note = (spare: Unready, error: unknown) => {
      if (isFailure(error)) failures.push(spareFailure(spare, error))
      else bug.hear(error)
    }
    // No new one is begun there by this call.
    const failing = new Set<string>()
    const crew = new Crew(await madeAtOnce(catalog, 'default'))
    const finish = async (spare: Unready, isNew: boolean) => {
      try {
        await makeReady(catalog, { ...spare, kind: 'dedicated' })
      } catch (error) {
        stop.throwIfAborted()
        note(spare, error)
        if (isNew || isHostAway(error)) failing.add(spare.host)
        return
      }
      if (await becomeReady(catalog, spare)) progress(++made)
    }
    try {
      for (const spare of await unreadySpares(catalog)) {
        stop.throwIfAborted()
        await crew.do(() => finish(spare, false))
      }
      await crew.end()
      const { ready, unready } = await countSpares(catalog)
      for (let missing = Math.min(wanted - ready, wanted + LEFT_UNFINISHED - unready); missing > 0; missing--) {
        stop.throwIfAborted()
        await crew.do(async () => {
          const spare = await addSpare(catalog, prefix, failing).catch(error => {
            // What failed before is the thing to tell.
            if (isFailure(error, 'HOST_FULL') && failures.length > 0) return null
            throw error
          })
          if (spare !== null) await finish(spare, true)
        })
      }
      await crew.end()
    } finally {
      await crew.settled()
      bug.throwIfMet()
    }
    return { ...(await countSpares(catalog)), made, failures }
  })
}

/**
 * Drops all that nobody has taken; a database that somebody else has put there stays. One that fails does not keep the others. Killed at any point, the next
 * call goes on, or a filling makes those again whose drop was not begun. `dropped`: placements that are gone.
 * @throws {Failure} LOCKED while another process makes some; UNAVAILABLE without the catalog; the signal's reason
 */
export async function dropSpares(
  catalog: Catalog,
  { signal }: { readonly signal: AbortSignal },
): Promise<{ dropped: number; failures: readonly SpareFailure[] }> {
  return withLock(catalog, SPARES_LOCK, async lost => {
    const stop = AbortSignal.any([signal, lost])
    // From here on nobody takes one.
    await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('kind', '=', 'spare').execute()
    let dropped = 0
    const failures: SpareFailure[] = []
    for (const spare of await unreadySpares(catalog, ['spare', 'dropping'])) {
      stop.throwIfAborted()
      // Whoever was held up for longer than its lock lasts may come after it was made ready again, and taken.
      if (spare.kind === 'spare' && !(await turn(catalog, spare, 'spare', 'dropping'))) continue
      try {
        const { goes, seen } = await lookBeforeDrop(catalog, spare, spare.wasSeen)
        if (seen) await noteSeen(catalog, spare)
        if (goes) await (await catalog.hosts.serverOf(spare.host)).drop(spare.database)
      } catch (error) {
        if (spare.kind === 'spare') await turn(catalog, spare, 'dropping', 'spare')
        if (!isFailure(error)) throw error
        failures.push(spareFailure(spare, error))
        continue
      }
      await catalog.kysely.deleteFrom('placements').where('id', '=', spare.id).where('kind', '=', 'dropping').execute()
      dropped++
    }
    return { dropped, failures }
  })
}

/** False when it is not one that is unready, and of that kind, any more; one that may be dropped by half is turned into nothing else. */
async function turn(catalog: Catalog, { id }: Unready, from: 'spare' | 'dropping', to: 'spare' | 'dropping'): Promise<boolean> {
  const { numUpdatedRows } = await catalog.kysely
    .updateTable('placements')
    .set({ kind: to })
    .where('id', '=', id)
    .where('kind', '=', from)
    .where('schema_version', '=', 0)
    .where('vacated_at', 'is', null)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

async function noteSeen({ kysely }: Catalog, { id }: Unready): Promise<void> {
  await kysely
    .updateTable('placements')
    .set({ vacated_at: Date.now() })
    .where('id', '=', id)
    .where('kind', '=', 'dropping')
    .execute()
}

/** At most as many as were ever wanted: ten thousand. `dropping`: those whose drop was killed. */
async function unreadySpares(catalog: Catalog, kinds: readonly Unready['kind'][] = ['spare']): Promise<Unready[]> {
  const rows = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select([
      'placements.id',
      'placements.kind',
      'placements.database_name',
      'placements.schema_version',
      'placements.vacated_at',
    ])
    .select('hosts.name as host')
    .where('placements.kind', 'in', kinds)
    .where('placements.schema_version', '<', TENANT_SCHEMA_VERSION)
    .orderBy('placements.id')
    .execute()
  const spares = rows.filter(row => isSpareDatabase(row.database_name))
  return spares.map(row => ({
    id: row.id,
    kind: row.kind as Unready['kind'],
    host: row.host,
    database: parseDatabaseName(row.database_name),
    schemaVersion: row.schema_version,
    wasSeen: row.kind === 'dropping' && row.vacated_at !== null,
  }))
}

/**
 * Its row, before there is a database: what is begun is never lost sight of. Null where all hosts for it are among the `failing`.
 * @throws {Failure} HOST_FULL when there is no host for it at all
 */
function addSpare(catalog: Catalog, prefix: string, failing: ReadonlySet<string>): Promise<Unready | null> {
  return inTurn(catalog, async () => {
    const chosen = await hostForSpare(catalog, failing)
    if (chosen === null) return null
    const { id: hostId, name: host } = chosen
    const database = spareDatabase(prefix, randomBytes(6).toString('hex'))
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
    return { id, kind: 'spare', host, database, schemaVersion: 0, wasSeen: false }
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
