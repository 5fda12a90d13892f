import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { ClaimedTenant } from './claim.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import { withRemoval } from './fence.js'
import { dropPlacement } from './removal.js'
import { bringUpToDate, TENANT_SCHEMA_VERSION } from './upgrade.js'

/** Databases that are made at the same time where no connections are counted. */
const AT_ONCE = 8

/** How many databases of the host are made at the same time: each over a connection. */
export async function madeAtOnce(catalog: Catalog, host: string): Promise<number> {
  const { connections } = await catalog.hosts.serverOf(host)
  return Math.max(1, connections?.limit ?? AT_ONCE)
}

/** Where tables are to be made. */
export type DatabasePlace = Pick<ClaimedTenant, 'kind' | 'host' | 'database' | 'schemaVersion'>

/**
 * Makes the database where it is missing, and its tables; nothing when the catalog says that they are there. `begun` hears whether the database was made by this
 * call, before anything else of it can fail. The catalog's row of the placement is the caller's.
 * @throws {Failure} DATABASE_TAKEN when the database holds something that is not this catalog's, SCHEMA_NEWER; nothing is changed then
 */
export async function makeReady(catalog: Catalog, at: DatabasePlace, begun: (made: boolean) => void = () => {}): Promise<void> {
  if (at.schemaVersion === TENANT_SCHEMA_VERSION) return
  if (at.schemaVersion > 0) {
    const { kind, host, database } = at
    return bringUpToDate(catalog, { placement: { kind, host, database }, schemaVersion: at.schemaVersion })
  }
  refuseCatalog(catalog, at)
  const server = await catalog.hosts.serverOf(at.host)
  const made = await server.create(at.database)
  begun(made)
  await server.use<TenantSchema, number>(at.database, async database => {
    if (!made) await refuseForeign(catalog, at)
    // A shared database may be made by several at once.
    return applyMigrations(database, TENANT_MIGRATIONS, catalog.id, Date.now(), { empty: made && at.kind === 'dedicated' })
  })
}

/** The catalog's ledger is its own, so that nothing else would keep a tenant out of it. Names may differ in nothing but case on a server. */
function refuseCatalog(catalog: Catalog, { host, database }: DatabasePlace): void {
  if (host !== 'default' || database.toLowerCase() !== catalog.name.toLowerCase()) return
  throw new Failure('DATABASE_TAKEN', `the database ${database} is the catalog`, {
    hint: 'choose another slug, or set FEEDCTL_DATABASE_PREFIX',
  })
}

async function refuseForeign(catalog: Catalog, at: DatabasePlace): Promise<void> {
  const server = await catalog.hosts.serverOf(at.host)
  if (await server.isEmpty(at.database)) return
  const ours = await server
    .use<TenantSchema, unknown>(at.database, ({ kysely }) =>
      kysely.selectFrom('feedctl_migrations').select('version').limit(1).execute(),
    )
    .catch(error => (isFailure(error, 'SCHEMA_MISSING') ? null : Promise.reject(error)))
  if (ours === null) throw takenFailure(at)
}

export function takenFailure({ database }: Pick<DatabasePlace, 'database'>): Failure {
  const hint = 'choose another slug, or set FEEDCTL_DATABASE_PREFIX'
  return new Failure('DATABASE_TAKEN', `the database ${database} exists and is not this tenant's`, { hint })
}

/**
 * Writes that their tables are there, then opens the tenants to everyone. How many became active: not one that was deleted, or taken over, in the meantime,
 * and neither is its placement touched.
 */
export async function activate(
  catalog: Catalog,
  tenants: readonly ClaimedTenant[],
  holder: string,
  hash: string | null,
): Promise<number> {
  if (tenants.length === 0) return 0
  const ids = tenants.map(tenant => tenant.id)
  const made = new Set(tenants.filter(tenant => tenant.schemaVersion !== TENANT_SCHEMA_VERSION).map(tenant => tenant.placementId))
  if (made.size > 0) {
    await catalog.kysely
      .updateTable('placements')
      .set({ schema_version: TENANT_SCHEMA_VERSION })
      .where('id', 'in', [...made])
      .where('id', 'in', eb =>
        eb
          .selectFrom('tenants')
          .select('placement_id')
          .where('id', 'in', ids)
          .where('claimed_by', '=', holder)
          .where('state', '=', 'provisioning'),
      )
      .execute()
  }
  const changed = await catalog.kysely
    .updateTable('tenants')
    .set({ state: 'active', token_hash: hash, claimed_by: null, claimed_at: null, updated_at: Date.now() })
    .where('id', 'in', ids)
    .where('claimed_by', '=', holder)
    .where('state', '=', 'provisioning')
    .executeTakeFirst()
  return Number(changed.numUpdatedRows)
}

/**
 * After a refusal, and when it was interrupted, nothing is left of a tenant that can be undone: a new one, or one that was made as empty. After an outage the row
 * stays, for the same command to finish. `made`: whether its database goes with it.
 */
export async function letGo(
  catalog: Catalog,
  tenant: ClaimedTenant,
  holder: string,
  { undo: canUndo, made }: { readonly undo: boolean; readonly made: boolean },
  error: unknown,
): Promise<void> {
  const undo = canUndo && isFailure(error) && (!error.retry || error.code === 'INTERRUPTED')
  try {
    const held = await catalog.kysely
      .updateTable('tenants')
      .set(undo ? { claimed_at: Date.now() } : { claimed_by: null, claimed_at: null })
      .where('id', '=', tenant.id)
      .where('claimed_by', '=', holder)
      .where('state', '=', 'provisioning')
      .execute()
    if (!undo || held[0]?.numUpdatedRows === 0n) return
    if (tenant.kind === 'dedicated') await dropPlacement(catalog, tenant.id, made)
    else await forget(catalog, tenant)
  } catch {
    // The first error is the one to tell; a claim that could not be given back runs out by itself.
  }
}

/** A tenant of a shared database that has no rows there. */
async function forget(catalog: Catalog, { id, kind, host, database, schemaVersion }: ClaimedTenant): Promise<void> {
  const place = { id, placement: { kind, host, database }, schemaVersion }
  // It may not have come so far that it lives there, or that there are tables.
  await withRemoval(catalog, place, tables => tables.transaction(tx => tx.leave())).catch(() => {})
  await catalog.kysely.deleteFrom('tenants').where('id', '=', id).execute()
}
