import type { Config } from '../kernel/config.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { type Catalog, catalogName, openCatalog } from '../tenants/catalog.js'
import { CATALOG_MIGRATIONS, type CatalogSchema, type DatabaseServer, ledgerOf } from '../tenants/databases/index.js'

/** The version of the catalog's schema that this feedctl works with. */
export const CATALOG_VERSION = CATALOG_MIGRATIONS.at(-1)?.version ?? 0

export type CatalogState =
  | { readonly kind: 'missing' }
  /** `version` 0: the database is there, and empty. */
  | { readonly kind: 'behind' | 'current' | 'newer'; readonly version: number }
  /** The database holds what is not feedctl's. */
  | { readonly kind: 'taken' }

/** How the catalog stands; makes and changes nothing. @throws {Failure} UNAVAILABLE, CONFIG_INVALID */
export async function lookAtCatalog(server: DatabaseServer, config: Config): Promise<CatalogState> {
  const name = catalogName(config)
  if (!(await server.has(name))) return { kind: 'missing' }
  try {
    const applied = await server.use<CatalogSchema, { version: number }[]>(name, ledgerOf)
    const version = applied.at(-1)?.version ?? 0
    return { kind: version < CATALOG_VERSION ? 'behind' : version > CATALOG_VERSION ? 'newer' : 'current', version }
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
    return (await server.isEmpty(name)) ? { kind: 'behind', version: 0 } : { kind: 'taken' }
  }
}

/** The catalog, if it is ready to be used; null for a SQLite one that the first command makes. @throws {Failure} SCHEMA_MISSING when it is not ready */
export async function openCurrentCatalog(server: DatabaseServer, config: Config, state: CatalogState): Promise<Catalog | null> {
  if (state.kind === 'missing' && server.dialect === 'sqlite') return null
  if (state.kind !== 'current') {
    throw new Failure('SCHEMA_MISSING', `the catalog ${config.dbDatabase} is not ready`, { hint: 'feedctl init' })
  }
  return openCatalog(server, config)
}
