import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { ownerAt, refuseCatalog } from './database-owner.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import type { Placement } from './tenant.js'
import { bringUpToDate, TENANT_SCHEMA_VERSION } from './upgrade.js'

/** Databases that are made at the same time where no connections are counted. */
const AT_ONCE = 8

/** How many databases of the host are made at the same time: each over a connection. Whoever makes one hears of a host that cannot be opened. */
export async function madeAtOnce(catalog: Catalog, host: string): Promise<number> {
  try {
    const { connections } = await catalog.hosts.serverOf(host)
    return Math.max(1, connections?.limit ?? AT_ONCE)
  } catch (error) {
    if (isFailure(error)) return AT_ONCE
    throw error
  }
}

/** Where tables are to be made. */
export interface DatabasePlace extends Placement {
  /** As the catalog knows it; 0: its tables were never finished, or are removed. */
  readonly schemaVersion: number
}

export interface ReadyTerms {
  /** Hears whether the database was made by this call, before anything else of it can fail. */
  readonly begun?: (made: boolean) => void
  /** The caller settles the tenant afterwards, which writes the ledger of a database that was made by this call. */
  readonly unnoted?: boolean
}

/**
 * Makes the database where it is missing, and its tables; nothing when the catalog says that they are there. The catalog's row of the placement is the caller's.
 * @throws {Failure} DATABASE_TAKEN when the database holds something that is not this catalog's, SCHEMA_NEWER; nothing is changed then
 */
export async function makeReady(catalog: Catalog, at: DatabasePlace, { begun, unnoted = false }: ReadyTerms = {}): Promise<void> {
  if (at.schemaVersion === TENANT_SCHEMA_VERSION) return
  if (at.schemaVersion > 0) {
    const { kind, host, database } = at
    return bringUpToDate(catalog, { placement: { kind, host, database }, schemaVersion: at.schemaVersion })
  }
  refuseCatalog(catalog, at)
  const server = await catalog.hosts.serverOf(at.host)
  const made = await server.create(at.database)
  begun?.(made)
  if (!made && (await ownerAt(catalog, at)) === 'others') throw takenFailure(at)
  await server.use<TenantSchema, number>(at.database, database => {
    // A shared database may be made by several at once.
    const empty = made && at.kind === 'dedicated'
    return applyMigrations(database, TENANT_MIGRATIONS, catalog.id, Date.now(), { empty, unnoted })
  })
}

export function takenFailure({ database }: Pick<DatabasePlace, 'database'>): Failure {
  const hint = 'choose another slug, or set FEEDCTL_DATABASE_PREFIX'
  return new Failure('DATABASE_TAKEN', `the database ${database} exists and is not this tenant's`, { hint })
}
