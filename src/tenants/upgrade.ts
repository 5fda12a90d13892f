import type { Catalog } from './catalog.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import { admitAll } from './residents.js'
import type { Placement, Tenant } from './tenant.js'

/** The version of the tenant schema that this feedctl works with. */
export const TENANT_SCHEMA_VERSION = TENANT_MIGRATIONS.at(-1)?.version ?? 0

/** Databases that this process has brought up to date, or is bringing there, by host and name. */
const upgrades = new WeakMap<Catalog['server'], Map<string, Promise<void>>>()

/**
 * Brings the database of a tenant to the schema of this feedctl, once per process; one whose tables were never finished (version 0) is left alone.
 * Two processes may do it at once. @throws {Failure} SCHEMA_MISSING, DATABASE_TAKEN, SCHEMA_NEWER, UNAVAILABLE; the next call tries again
 */
export function bringUpToDate(
  catalog: Catalog,
  { placement, schemaVersion }: Pick<Tenant, 'placement' | 'schemaVersion'>,
): Promise<void> {
  if (schemaVersion === 0 || schemaVersion === TENANT_SCHEMA_VERSION) return Promise.resolve()
  const known = upgrades.get(catalog.server) ?? new Map<string, Promise<void>>()
  upgrades.set(catalog.server, known)
  const name = `${placement.host}/${placement.database}`
  const begun = known.get(name)
  if (begun !== undefined) return begun
  const upgrade = upgradeNow(catalog, placement)
  known.set(name, upgrade)
  upgrade.catch(() => known.delete(name))
  return upgrade
}

async function upgradeNow(catalog: Catalog, at: Placement): Promise<void> {
  const { host, database } = at
  const server = await catalog.hosts.serverOf(host)
  const version = await server.use<TenantSchema, number>(database, async open => {
    const applied = await applyMigrations(open, TENANT_MIGRATIONS, catalog.id, Date.now())
    await admitAll(catalog, open, at)
    return applied
  })
  // Version 0 belongs to one who makes or removes the database right now.
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: version })
    .where('database_name', '=', database)
    .where('host_id', '=', eb => eb.selectFrom('hosts').select('id').where('name', '=', host))
    .where('schema_version', '>', 0)
    .where('schema_version', '<', version)
    .execute()
}
