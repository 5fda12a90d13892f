import { randomBytes } from 'node:crypto'
import { Crew } from '../../kernel/crew.js'
import { Failure, type FailureCode, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { insertRows } from '../databases/index.js'
import { type DatabaseName, parseDatabaseName, spareDatabase } from '../ids.js'
import { withLock } from '../locks.js'
import { madeAtOnce, makeReady } from '../make-ready.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'
import { hostsForSpares, type SpareHost, spareHosts } from './hosts.js'

/** Whoever makes or drops spare databases holds it, so that each is one process's at a time; takers need none. */
export const SPARES_LOCK = 'spare databases'

export interface SpareCounts {
  /** Migrated, to be taken at once. */
  readonly ready: number
  /** Not made to the end, or of an earlier schema: the next filling, or `tenant migrate`, sees to them. */
  readonly unready: number
  /** Whatever they are, on hosts that tenants do not go to by themselves, or that have a bound of tenants: nobody who asks for no host takes them. */
  readonly passedOver: number
}

export interface SpareFilling extends SpareCounts {
  /** Made ready by this call. */
  readonly made: number
  /** Of those that were tried. */
  readonly failures: readonly SpareFailure[]
}

export interface SpareFailure {
  readonly host: string
  readonly database: DatabaseName
  readonly code: FailureCode
  readonly message: string
  /** Whether it may go well the next time. */
  readonly retry: boolean
}

interface Unready {
  readonly id: number
  readonly host: string
  readonly database: DatabaseName
  readonly schemaVersion: number
}

export async function countSpares(catalog: Catalog): Promise<SpareCounts> {
  const giving = await spareHosts(catalog.kysely).select('id').execute()
  const isGiving = new Set(giving.map(({ id }) => id))
  const rows = await catalog.kysely
    .selectFrom('placements')
    .select(eb => ['host_id', 'schema_version', eb.fn.countAll<number>().as('spares')])
    .where('kind', '=', 'spare')
    .groupBy(['host_id', 'schema_version'])
    .execute()
  const counts = { ready: 0, unready: 0, passedOver: 0 }
  for (const { host_id, schema_version, spares } of rows) {
    const what = schema_version === TENANT_SCHEMA_VERSION ? 'ready' : 'unready'
    counts[isGiving.has(host_id) ? what : 'passedOver'] += Number(spares)
  }
  return counts
}

/**
 * Finishes what a killed filling left, and makes as many as are wanting; more than that are left. Older ones are brought up to date where the first use of a
 * tenant does so, and left to `tenant migrate` elsewhere. One that fails is noted, and the others are made. Killed at any point, the next call goes on. Stops
 * between two when the signal aborts, with its reason.
 * @throws {Failure} LOCKED while another process does it; UNAVAILABLE where the catalog is away; HOST_FULL where no host takes any
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
    const crew = new Crew(await madeAtOnce(catalog, 'default'))
    const finish = async (spare: Unready) => {
      const failure = await makeReady(catalog, { ...spare, kind: 'dedicated' }).then(() => null, refusalOf)
      if (failure !== null) failures.push({ host: spare.host, database: spare.database, ...failure })
      else if (await becomeReady(catalog, spare)) progress(++made)
    }
    try {
      for (const spare of await sparesToFinish(catalog)) {
        stop.throwIfAborted()
        await crew.do(() => finish(spare))
      }
      await crew.end()
      const missing = missingOf(wanted, (await countSpares(catalog)).ready, failures)
      const hosts = missing === 0 ? [] : await hostsForSpares(catalog, missing)
      for (const host of hosts) {
        stop.throwIfAborted()
        await crew.do(async () => finish(await addSpare(catalog, prefix, host)))
      }
      await crew.end()
    } finally {
      await crew.settled()
    }
    return { ...(await countSpares(catalog)), made, failures }
  })
}

/** What is on a host that is away is there when it comes back; what is refused is replaced, but not for ever. */
function missingOf(wanted: number, ready: number, failures: readonly SpareFailure[]): number {
  if (failures.length >= wanted) return 0
  return Math.max(0, wanted - ready - failures.filter(({ retry }) => retry).length)
}

function refusalOf(error: unknown): Pick<SpareFailure, 'code' | 'message' | 'retry'> {
  if (!isFailure(error)) throw error
  const { code, message, retry } = error
  return { code, message, retry }
}

/** @throws {Failure} PARTIAL when some could not be made */
export function refuseFailedSpares({ made, failures }: SpareFilling): void {
  const [first] = failures
  if (first === undefined) return
  const what = `${failures.length} of ${made + failures.length} spare databases could not be made`
  throw new Failure('PARTIAL', `${what}: ${first.database} on ${first.host}: ${first.message}`, {
    hint: 'feedctl tenant spare --drop, and --fill',
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
    for (const { id, host, database_name } of await listSpares(catalog).where('placements.schema_version', '=', 0).execute()) {
      stop.throwIfAborted()
      await (await catalog.hosts.serverOf(host)).drop(parseDatabaseName(database_name))
      await catalog.kysely.deleteFrom('placements').where('id', '=', id).where('kind', '=', 'spare').execute()
      dropped++
    }
    return dropped
  })
}

/** At most as many as were ever wanted: ten thousand. */
function listSpares(catalog: Catalog) {
  return catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.database_name', 'placements.schema_version', 'hosts.name as host'])
    .where('placements.kind', '=', 'spare')
    .orderBy('placements.id')
}

/** Those that somebody will take. */
async function sparesToFinish(catalog: Catalog): Promise<Unready[]> {
  const below = catalog.upgradesAtFirstUse ? TENANT_SCHEMA_VERSION : 1
  const rows = await listSpares(catalog)
    .where('placements.schema_version', '<', below)
    .where('placements.host_id', 'in', spareHosts(catalog.kysely).select('id'))
    .execute()
  return rows.map(row => ({
    id: row.id,
    host: row.host,
    database: parseDatabaseName(row.database_name),
    schemaVersion: row.schema_version,
  }))
}

/** Its row, before there is a database: what is begun is never lost sight of. */
async function addSpare(catalog: Catalog, prefix: string, { id: hostId, name: host }: SpareHost): Promise<Unready> {
  const database = spareDatabase(prefix, randomBytes(6).toString('hex'))
  await insertRows(catalog.database, 'placements', [
    { kind: 'spare' as const, host_id: hostId, database_name: database as string, schema_version: 0, created_at: Date.now() },
  ])
  const { id } = await catalog.kysely
    .selectFrom('placements')
    .select('id')
    .where('host_id', '=', hostId)
    .where('database_name', '=', database)
    .executeTakeFirstOrThrow()
  return { id, host, database, schemaVersion: 0 }
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
