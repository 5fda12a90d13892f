import pLimit from 'p-limit'
import { isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import {
  applyMigrations,
  describeSchema,
  differencesOf,
  ledgerOf,
  type Migration,
  type OpenDatabase,
  type SchemaDescription,
  type TenantSchema,
} from '../databases/index.js'
import { expectedDatabase } from '../ids.js'
import { isThere, type Migratable } from './placements.js'

const IN_FLIGHT_PER_HOST = 4
const MOST_NAMED = 1_000
const AT_ONCE = 200

/** A database whose schema is not the expected one. */
export interface DriftedDatabase {
  readonly host: string
  readonly database: string
  /** The one whose own it is; null for a shared one, and for a spare. */
  readonly tenant: string | null
  /** A sentence each. */
  readonly differences: readonly string[]
}

export interface DriftReport {
  readonly checked: number
  readonly drifted: number
  /** At most 1,000 of them. */
  readonly databases: readonly DriftedDatabase[]
}

export interface DriftOptions {
  readonly prefix: string
  readonly migrations: readonly Migration[]
  readonly signal: AbortSignal
  readonly progress?: (checked: number, drifted: number) => void
}

/**
 * Compares databases with one that these migrations make anew on the same host, and that is removed again: under the lock, for that one has one name.
 * A database that cannot be read is a drifted one. @throws {Failure} UNAVAILABLE where a host is away; the signal's reason
 */
export async function findDrift(
  catalog: Catalog,
  placements: AsyncIterable<Migratable>,
  options: DriftOptions,
): Promise<DriftReport> {
  const expected = new Map<string, Promise<SchemaDescription>>()
  const limits = new Map<string, ReturnType<typeof pLimit>>()
  const databases: DriftedDatabase[] = []
  let [checked, drifted] = [0, 0]
  const compare = async (placement: Migratable): Promise<void> => {
    options.signal.throwIfAborted()
    const known = expected.get(placement.host) ?? describeExpected(catalog, placement.host, options)
    expected.set(placement.host, known)
    const differences = await differencesIn(catalog, placement, await known)
    // Its tenant was removed meanwhile.
    if (differences.length > 0 && !(await isThere(catalog, placement.id))) return
    checked++
    if (differences.length > 0 && drifted++ < MOST_NAMED) databases.push({ ...whose(placement), differences })
    options.progress?.(checked, drifted)
  }
  for await (const some of chunked(placements)) {
    const ends = await Promise.allSettled(
      some.map(placement => {
        const limit = limits.get(placement.host) ?? pLimit(IN_FLIGHT_PER_HOST)
        limits.set(placement.host, limit)
        return limit(() => compare(placement))
      }),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }
  return { checked, drifted, databases }
}

function whose({ host, database, tenant }: Migratable): Omit<DriftedDatabase, 'differences'> {
  return { host, database, tenant }
}

async function describeExpected(
  catalog: Catalog,
  host: string,
  { prefix, migrations }: DriftOptions,
): Promise<SchemaDescription> {
  const server = await catalog.hosts.serverOf(host)
  const name = expectedDatabase(prefix)
  // One who was killed left it.
  await server.drop(name)
  await server.create(name)
  try {
    return await server.use<TenantSchema, SchemaDescription>(name, async database => {
      await applyMigrations(database, migrations, catalog.id, Date.now(), { empty: true })
      return describeSchema(database, name)
    })
  } finally {
    await server.drop(name)
  }
}

async function differencesIn(catalog: Catalog, at: Migratable, expected: SchemaDescription): Promise<string[]> {
  const server = await catalog.hosts.serverOf(at.host)
  try {
    return await server.use<TenantSchema, string[]>(at.database, async database => {
      const real = await describeSchema(database, at.database)
      if (real.size === 0) return ['the database is missing or empty']
      return [...differencesOf(real, expected), ...(await ledgerDifferences(catalog, database, at))]
    })
  } catch (error) {
    if (!isFailure(error) || error.retry) throw error
    return [`${error.message} (${error.code})`]
  }
}

/** What the database itself says of its version, which a backup that was restored may have set back. */
async function ledgerDifferences(catalog: Catalog, database: OpenDatabase<TenantSchema>, at: Migratable): Promise<string[]> {
  const applied = await ledgerOf(database)
  const version = applied.at(-1)?.version ?? 0
  return [
    ...(version === at.schemaVersion ? [] : [`it says that it has schema ${version}, the catalog ${at.schemaVersion}`]),
    ...(applied.every(row => row.catalog_id === catalog.id) ? [] : ['it belongs to another catalog']),
  ]
}

async function* chunked(placements: AsyncIterable<Migratable>): AsyncGenerator<Migratable[]> {
  let some: Migratable[] = []
  for await (const placement of placements) {
    some.push(placement)
    if (some.length < AT_ONCE) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}
