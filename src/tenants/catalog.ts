import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Config } from '../kernel/config.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { retry } from '../kernel/retry.js'
import {
  applyMigrations,
  CATALOG_MIGRATIONS,
  type CatalogSchema,
  type DatabaseServer,
  insertRows,
  ledgerOf,
  type OpenDatabase,
} from './databases/index.js'
import { type Hosts, openHosts } from './hosts/hosts.js'
import { DEFAULT_HOST } from './hosts/names.js'
import { type DatabaseName, parseDatabaseName } from './ids.js'

/** The central database: tenants, where they live, sources, runs, locks. */
export interface Catalog {
  /** Names this installation in every database it owns. */
  readonly id: string
  readonly name: DatabaseName
  /** The server it is on itself, which is the host `default`. Those of tenants: `hosts`. */
  readonly server: DatabaseServer
  /** To be closed before the server. */
  readonly hosts: Hosts
  /** Whether the first use of a tenant brings its database to a new schema, and no `feedctl tenant migrate` has to. */
  readonly upgradesAtFirstUse: boolean
  readonly database: OpenDatabase<CatalogSchema>
  readonly kysely: Kysely<CatalogSchema>
}

export interface InitReport {
  readonly database: string
  readonly created: boolean
  readonly schemaVersion: number
}

/**
 * The catalog, ready to use. On SQLite it is made or upgraded when it is not.
 * @throws {Failure} SCHEMA_MISSING on MySQL when `feedctl init` has to run first
 */
export async function openCatalog(server: DatabaseServer, config: Config): Promise<Catalog> {
  const name = catalogName(config)
  try {
    const database = await server.hold<CatalogSchema>(name)
    const applied = await ledgerOf(database)
    const version = applied.at(-1)?.version ?? 0
    const latest = CATALOG_MIGRATIONS.at(-1)?.version ?? 0
    if (version > latest)
      throw new Failure('SCHEMA_NEWER', `the catalog has schema ${version}, this feedctl knows ${latest}`, {
        hint: 'upgrade feedctl',
      })
    const id = applied[0]?.catalog_id
    if (version === latest && id !== undefined) return await catalogOf(id, name, server, database, config)
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
  }
  if (server.dialect === 'mysql') {
    throw new Failure('SCHEMA_MISSING', `the catalog ${name} is missing or out of date`, { hint: 'feedctl init' })
  }
  return (await initCatalog(server, config)).catalog
}

/** Creates or upgrades the catalog; done twice is calm. @throws {Failure} DATABASE_TAKEN when the database holds something else */
export async function initCatalog(server: DatabaseServer, config: Config): Promise<{ catalog: Catalog; report: InitReport }> {
  const name = catalogName(config)
  const created = (await server.has(name)) ? false : await server.create(name)
  const database = await server.hold<CatalogSchema>(name)
  const now = Date.now()
  const worthRetrying = (error: unknown) => isFailure(error, 'DATABASE_TAKEN')
  // Another process may make the first table between our two looks, and name the catalog between our look and our write: then its name counts.
  const schemaVersion = await retry(
    async () => applyMigrations(database, CATALOG_MIGRATIONS, await catalogIdOf(server, name, database), now),
    { tries: 3, firstMs: 50, maxMs: 50, worthRetrying },
  )
  const id = await catalogIdOf(server, name, database)
  await insertRows(database, 'hosts', [{ name: DEFAULT_HOST, created_at: now }], 'keep')
  return { catalog: await catalogOf(id, name, server, database, config), report: { database: name, created, schemaVersion } }
}

async function catalogOf(
  id: string,
  name: DatabaseName,
  server: DatabaseServer,
  database: OpenDatabase<CatalogSchema>,
  config: Config,
): Promise<Catalog> {
  const hosts = openHosts({ config, home: server, database, urgent: await server.hold(name, { isUrgent: true }) })
  await hosts.begin()
  const upgradesAtFirstUse = config.migrate === 'lazy' || (config.migrate === 'auto' && server.dialect === 'sqlite')
  return { id, name, server, hosts, upgradesAtFirstUse, database, kysely: database.kysely }
}

export function catalogName(config: Config): DatabaseName {
  return parseDatabaseName(config.dbDatabase)
}

/** The id in the ledger, or a new one for an empty database. */
async function catalogIdOf(server: DatabaseServer, name: DatabaseName, database: OpenDatabase<CatalogSchema>): Promise<string> {
  try {
    const [first] = await ledgerOf(database)
    return first?.catalog_id ?? randomUUID()
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
    if (await server.isEmpty(name)) return randomUUID()
    const hint = 'set DB_DATABASE to a name of its own'
    throw new Failure('DATABASE_TAKEN', `the database ${name} holds tables that are not feedctl's`, { hint, cause: error })
  }
}
