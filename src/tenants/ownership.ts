import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { ledgerOf, type TenantSchema } from './databases/index.js'
import { DEFAULT_HOST } from './hosts/names.js'
import type { Placement } from './tenant.js'

type Named = Pick<Placement, 'host' | 'database'>

/**
 * Whose a database for tenants is, by the ledger within it: `nobody`'s while it has no table, or a ledger in which nothing is written yet. The catalog's own is
 * `another`'s: no tenant may live there. Null when there is no such database. @throws {Failure} UNAVAILABLE
 */
export async function ownerOf(catalog: Catalog, at: Named): Promise<'nobody' | 'ours' | 'another' | null> {
  if (isCatalog(catalog, at)) return 'another'
  const server = await catalog.hosts.serverOf(at.host)
  try {
    if (await server.isEmpty(at.database)) return 'nobody'
  } catch (error) {
    if (isFailure(error, 'SCHEMA_MISSING')) return null
    throw error
  }
  try {
    const ledger = await server.use<TenantSchema, Awaited<ReturnType<typeof ledgerOf>>>(at.database, ledgerOf)
    if (ledger.length === 0) return 'nobody'
    return ledger.every(row => row.catalog_id === catalog.id) ? 'ours' : 'another'
  } catch (error) {
    // Tables, and no ledger.
    if (isFailure(error, 'SCHEMA_MISSING')) return 'another'
    throw error
  }
}

/** Whether this installation has made the database: what is `nobody`'s is not its own. @throws {Failure} UNAVAILABLE */
export async function isOurs(catalog: Catalog, at: Named): Promise<boolean> {
  return (await ownerOf(catalog, at)) === 'ours'
}

/** The catalog's ledger is its own, so that nothing else would keep a tenant out of it. @throws {Failure} DATABASE_TAKEN */
export function refuseCatalog(catalog: Catalog, at: Named): void {
  if (!isCatalog(catalog, at)) return
  throw new Failure('DATABASE_TAKEN', `the database ${at.database} is the catalog`, {
    hint: 'choose another slug, or set FEEDCTL_DATABASE_PREFIX',
  })
}

/** Names may differ in nothing but case on a server. */
function isCatalog(catalog: Catalog, { host, database }: Named): boolean {
  return host === DEFAULT_HOST && database.toLowerCase() === catalog.name.toLowerCase()
}
