import type { Catalog } from './catalog.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import type { DatabaseName } from './ids.js'
import type { Tenant } from './tenant.js'

/** The version of the tenant schema that this feedctl works with. */
export const TENANT_SCHEMA_VERSION = TENANT_MIGRATIONS.at(-1)?.version ?? 0

/** Databases that this process has brought up to date, or is bringing there; per host. */
const upgrades = new WeakMap<Catalog['server'], Map<DatabaseName, Promise<void>>>()

/**
 * Brings the database of a tenant to the schema of this feedctl, once per process; one whose tables were never finished (version 0) is left alone.
 * Two processes may do it at once. @throws {Failure} SCHEMA_MISSING, DATABASE_TAKEN, SCHEMA_NEWER, UNAVAILABLE; the next call tries again
 */
export function bringUpToDate(
  catalog: Catalog,
  { placement, schemaVersion }: Pick<Tenant, 'placement' | 'schemaVersion'>,
): Promise<void> {
  if (schemaVersion === 0 || schemaVersion === TENANT_SCHEMA_VERSION) return Promise.resolve()
  const known = upgrades.get(catalog.server) ?? new Map<DatabaseName, Promise<void>>()
  upgrades.set(catalog.server, known)
  const begun = known.get(placement.database)
  if (begun !== undefined) return begun
  const upgrade = upgradeNow(catalog, placement.database)
  known.set(placement.database, upgrade)
  upgrade.catch(() => known.delete(placement.database))
  return upgrade
}

async function upgradeNow(catalog: Catalog, database: DatabaseName): Promise<void> {
  const version = await catalog.server.use<TenantSchema, number>(database, open =>
    applyMigrations(open, TENANT_MIGRATIONS, catalog.id, Date.now()),
  )
  // Version 0 belongs to one who makes or removes the database right now.
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: version })
    .where('database_name', '=', database)
    .where('schema_version', '>', 0)
    .where('schema_version', '<', version)
    .execute()
}
