import { Failure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { type Applying, applyMigrations, type Migration, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import { wasReached } from './migrating/ledger.js'
import { admitAll } from './residents.js'
import type { Placement, Tenant } from './tenant.js'

/** The version of the tenant schema that this feedctl works with. */
export const TENANT_SCHEMA_VERSION = TENANT_MIGRATIONS.at(-1)?.version ?? 0
/** The first version that knows who may write in a database. */
export const RESIDENTS_VERSION = 5

/** A database, and the version it has as the catalog knows it. */
export interface Upgradable {
  readonly host: Placement['host']
  readonly database: Placement['database']
  readonly schemaVersion: number
}

/** Databases that this process has brought up to date, or is bringing there, by host, name, and the version that the catalog said they have. */
const upgrades = new WeakMap<Catalog['server'], Map<string, Promise<void>>>()

/**
 * Brings the database of a tenant to the schema of this feedctl, once per process, where that is what the catalog's settings say, or where a
 * `tenant migrate --all` has brought all others there before; one whose tables were never finished (version 0) is left alone.
 * Two processes may do it at once. @throws {Failure} SCHEMA_BEHIND where it waits for `tenant migrate`; SCHEMA_MISSING, DATABASE_TAKEN, SCHEMA_NEWER,
 * MIGRATION_FAILED, UNAVAILABLE; the next call tries again
 */
export function bringUpToDate(
  catalog: Catalog,
  { placement, schemaVersion }: Pick<Tenant, 'placement' | 'schemaVersion'>,
): Promise<void> {
  if (schemaVersion === 0 || schemaVersion === TENANT_SCHEMA_VERSION) return Promise.resolve()
  const known = upgrades.get(catalog.server) ?? new Map<string, Promise<void>>()
  upgrades.set(catalog.server, known)
  // Whoever reads another version later, that of a later feedctl say, is not answered by what was done before.
  const name = `${placement.host}/${placement.database} ${schemaVersion}`
  const begun = known.get(name)
  if (begun !== undefined) return begun
  const upgrade = upgradeIfAllowed(catalog, { ...placement, schemaVersion })
  known.set(name, upgrade)
  upgrade.catch(() => known.delete(name))
  return upgrade
}

async function upgradeIfAllowed(catalog: Catalog, at: Upgradable): Promise<void> {
  const behind = at.schemaVersion < TENANT_SCHEMA_VERSION
  if (behind && !catalog.upgradesAtFirstUse && !(await wasReached(catalog, TENANT_SCHEMA_VERSION))) {
    // Whoever handed the tenant over may have read it before it was migrated.
    const version = await versionOf(catalog, at)
    if (version === TENANT_SCHEMA_VERSION) return
    throw new Failure('SCHEMA_BEHIND', `the database ${at.database} has schema ${version}, not ${TENANT_SCHEMA_VERSION}`, {
      hint: 'feedctl tenant migrate --all',
    })
  }
  await upgradeDatabase(catalog, at)
}

async function versionOf(catalog: Catalog, { host, database }: Upgradable): Promise<number> {
  const row = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select('schema_version')
    .where('hosts.name', '=', host)
    .where('database_name', '=', database)
    .executeTakeFirst()
  return row?.schema_version ?? 0
}

/**
 * Brings a database to the last of the migrations, and notes that in the catalog. Cut off anywhere, it is finished by the next call.
 * @throws {Failure} as `applyMigrations`; the reason of `signal`
 */
export async function upgradeDatabase(
  catalog: Catalog,
  { host, database, schemaVersion }: Upgradable,
  { migrations = TENANT_MIGRATIONS, ...applying }: Applying & { readonly migrations?: readonly Migration[] } = {},
): Promise<void> {
  const server = await catalog.hosts.serverOf(host)
  const version = await server.use<TenantSchema, number>(database, async open => {
    const applied = await applyMigrations(open, migrations, catalog.id, Date.now(), applying)
    // Until the catalog knows the version, nobody can tell whether all were let in.
    if (schemaVersion < RESIDENTS_VERSION) await admitAll(catalog, open, { host, database })
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
