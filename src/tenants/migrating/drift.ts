import pLimit from 'p-limit'
import { Failure, type FailureCode, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import {
  applyMigrations,
  type DatabaseServer,
  describeSchema,
  differencesOf,
  ledgerOf,
  type Migration,
  type OpenDatabase,
  type SchemaDescription,
  type TenantSchema,
} from '../databases/index.js'
import { type DatabaseName, expectedDatabase } from '../ids.js'
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

/** Databases of a host that could not be read, or not be compared with what is expected there. */
export interface NotCompared {
  readonly host: string
  readonly code: FailureCode
  /** Of the first of them. */
  readonly message: string
  readonly databases: number
}

export interface DriftReport {
  /** Those that were compared. */
  readonly checked: number
  readonly drifted: number
  /** One for each host and code. */
  readonly notCompared: readonly NotCompared[]
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
 * A database that its server refuses to show is a drifted one; one whose server does not answer is not compared, and the others are.
 * @throws {Failure} UNAVAILABLE where the catalog is away; the signal's reason
 */
export async function findDrift(
  catalog: Catalog,
  placements: AsyncIterable<Migratable>,
  options: DriftOptions,
): Promise<DriftReport> {
  const expected = new Map<string, Promise<SchemaDescription>>()
  const limits = new Map<string, ReturnType<typeof pLimit>>()
  const databases: DriftedDatabase[] = []
  const notCompared = new Map<string, NotCompared>()
  let [checked, drifted] = [0, 0]
  const compare = async (placement: Migratable): Promise<void> => {
    options.signal.throwIfAborted()
    const known = expected.get(placement.host) ?? describeExpected(catalog, placement.host, options)
    expected.set(placement.host, known)
    const differences = await known.then(schema => differencesIn(catalog, placement, schema)).catch(refusalOf)
    const asExpected = !(differences instanceof Failure) && differences.length === 0
    // Its tenant was removed meanwhile.
    if (!asExpected && !(await isThere(catalog, placement.id))) return
    if (differences instanceof Failure) return addTo(notCompared, placement.host, differences)
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
  return { checked, drifted, notCompared: [...notCompared.values()], databases }
}

function refusalOf(error: unknown): Failure {
  if (isFailure(error)) return error
  throw error
}

function addTo(notCompared: Map<string, NotCompared>, host: string, { code, message }: Failure): void {
  const key = `${host} ${code}`
  const known = notCompared.get(key) ?? { host, code, message, databases: 0 }
  notCompared.set(key, { ...known, databases: known.databases + 1 })
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
  const name = expectedDatabase(prefix, catalog.id)
  if (!(await server.create(name))) {
    await refuseForeign(catalog, server, name)
    // One who was killed left it.
    await server.drop(name)
    await server.create(name)
  }
  try {
    return await server.use<TenantSchema, SchemaDescription>(name, async database => {
      await applyMigrations(database, migrations, catalog.id, Date.now(), { empty: true })
      return describeSchema(database, name)
    })
  } finally {
    await server.drop(name)
  }
}

/** The first thing that is made in one is its ledger. @throws {Failure} DATABASE_TAKEN when it is neither empty nor this catalog's */
async function refuseForeign(catalog: Catalog, server: DatabaseServer, name: DatabaseName): Promise<void> {
  if (await server.isEmpty(name)) return
  const ledger = await server
    .use<TenantSchema, Awaited<ReturnType<typeof ledgerOf>> | null>(name, ledgerOf)
    .catch(error => (isFailure(error, 'SCHEMA_MISSING') ? null : Promise.reject(error)))
  if (ledger?.every(row => row.catalog_id === catalog.id)) return
  throw new Failure('DATABASE_TAKEN', `the database ${name} exists and is not this catalog's`, {
    hint: 'set FEEDCTL_DATABASE_PREFIX',
  })
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
