import pLimit from 'p-limit'
import { chunksOf } from '../kernel/chunks.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { newHolder } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { type ClaimedTenant, claimTenants, type NewTenant } from './claim.js'
import { applyMigrations, TENANT_MIGRATIONS, type TenantSchema } from './databases/index.js'
import type { TenantSlug } from './ids.js'
import { dropPlacement, hasOtherTenants } from './removal.js'
import { admit } from './residents.js'
import { getTenant, type Tenant } from './tenant.js'
import { newToken, tokenHash } from './tokens.js'
import { bringUpToDate } from './upgrade.js'

const PROVISION_CONCURRENCY = 8

/** Work on a tenant whose tables are ready, before anyone can see it; done again when a killed creation is finished. */
export type Furnish<T> = (tenant: Tenant) => Promise<T>

export interface BulkReport {
  readonly tenants: { readonly total: number; readonly created: number; readonly existing: number; readonly failed: number }
  readonly failures: readonly { readonly slug: TenantSlug; readonly code: string; readonly message: string }[]
}

/**
 * Creates a tenant: row, database, schema, furniture, token, in that order; it is `active` only when all is done. Killed at any point,
 * it stays `provisioning` and the same call finishes it. Of several that race exactly one succeeds.
 * @throws {Failure} TENANT_EXISTS, DATABASE_TAKEN; the data that is there stays as it is
 */
export async function createTenant<T>(
  catalog: Catalog,
  prefix: string,
  wanted: NewTenant,
  furnish: Furnish<T>,
): Promise<{ tenant: Tenant; token: string; furnished: T }> {
  const holder = newHolder()
  const [claimed] = await claimTenants(catalog, prefix, [wanted], holder)
  if (claimed === undefined) throw await existsFailure(catalog, wanted.slug)
  const token = newToken()
  const furnished = await prepare(catalog, claimed, holder, furnish)
  if ((await activate(catalog, [claimed], holder, tokenHash(token))) === 0) throw await existsFailure(catalog, wanted.slug)
  return { tenant: await getTenant(catalog, wanted.slug), token, furnished }
}

/**
 * Creates many tenants, without tokens; one's failure does not stop the others. Those that exist are counted and left alone.
 * Stops between chunks when the signal aborts, with its reason.
 */
export async function createTenants(
  catalog: Catalog,
  prefix: string,
  wanted: readonly NewTenant[],
  options: { furnish?: Furnish<unknown>; signal?: AbortSignal; progress?: (done: number) => void },
): Promise<BulkReport> {
  const failures: BulkReport['failures'][number][] = []
  let created = 0
  let done = 0
  for (const chunk of chunksOf(wanted, wanted[0]?.placement === 'shared' && options.furnish === undefined ? 1000 : 200)) {
    options.signal?.throwIfAborted()
    const holder = newHolder()
    const claimed = await claimTenants(catalog, prefix, chunk, holder)
    const limit = pLimit(PROVISION_CONCURRENCY)
    const ready = await Promise.all(
      claimed.map(tenant =>
        limit(async () => {
          try {
            await prepare(catalog, tenant, holder, options.furnish ?? null)
            return [tenant]
          } catch (error) {
            if (!(error instanceof Failure)) throw error
            failures.push({ slug: tenant.slug, code: error.code, message: error.message })
            return []
          }
        }),
      ),
    )
    failures.push(...(await unfinishedOf(catalog, chunk, claimed)))
    created += await activate(catalog, ready.flat(), holder, null)
    done += chunk.length
    options.progress?.(done)
  }
  const failed = failures.length
  return { tenants: { total: wanted.length, created, existing: wanted.length - created - failed, failed }, failures }
}

/** Makes the database ready and furnishes it; when that is refused, undoes what it made. */
async function prepare<T>(catalog: Catalog, tenant: ClaimedTenant, holder: string, furnish: Furnish<T>): Promise<T>
async function prepare<T>(catalog: Catalog, tenant: ClaimedTenant, holder: string, furnish: Furnish<T> | null): Promise<T | null>
async function prepare<T>(
  catalog: Catalog,
  tenant: ClaimedTenant,
  holder: string,
  furnish: Furnish<T> | null,
): Promise<T | null> {
  let made = false
  try {
    if (tenant.kind === 'dedicated' && (await hasOtherTenants(catalog, tenant.placementId, tenant.id))) throw taken(tenant)
    // Those whose rows are there already have to be let in by who upgrades it.
    if (tenant.schemaVersion > 0) await bringUpToDate(catalog, { placement: tenant, schemaVersion: tenant.schemaVersion })
    else {
      refuseCatalog(catalog, tenant)
      made = await (await catalog.hosts.serverOf(tenant.host)).create(tenant.database)
      await migrate(catalog, tenant, made)
    }
    const server = await catalog.hosts.serverOf(tenant.host)
    await server.use<TenantSchema, void>(tenant.database, database => admit(database, [tenant.id]))
    return furnish === null ? null : await furnish(await getTenant(catalog, tenant.slug))
  } catch (error) {
    await letGo(catalog, tenant, holder, made, error)
    throw error
  }
}

/** @throws {Failure} DATABASE_TAKEN when the database holds something that is not this catalog's; nothing is changed then */
async function migrate(catalog: Catalog, tenant: ClaimedTenant, made: boolean): Promise<void> {
  const server = await catalog.hosts.serverOf(tenant.host)
  const schemaVersion = await server.use<TenantSchema, number>(tenant.database, async database => {
    if (!made) await refuseForeign(catalog, tenant)
    // A shared database may be made by several at once.
    return applyMigrations(database, TENANT_MIGRATIONS, catalog.id, Date.now(), { empty: made && tenant.kind === 'dedicated' })
  })
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: schemaVersion })
    .where('id', '=', tenant.placementId)
    .execute()
}

/** The catalog's ledger is its own, so that nothing else would keep a tenant out of it. Names may differ in nothing but case on a server. */
function refuseCatalog(catalog: Catalog, tenant: ClaimedTenant): void {
  if (tenant.host !== 'default' || tenant.database.toLowerCase() !== catalog.name.toLowerCase()) return
  throw new Failure('DATABASE_TAKEN', `the database ${tenant.database} is the catalog`, {
    hint: 'choose another slug, or set FEEDCTL_DATABASE_PREFIX',
  })
}

async function refuseForeign(catalog: Catalog, tenant: ClaimedTenant): Promise<void> {
  const server = await catalog.hosts.serverOf(tenant.host)
  if (await server.isEmpty(tenant.database)) return
  const ours = await server
    .use<TenantSchema, unknown>(tenant.database, ({ kysely }) =>
      kysely.selectFrom('feedctl_migrations').select('version').limit(1).execute(),
    )
    .catch(error => (isFailure(error, 'SCHEMA_MISSING') ? null : Promise.reject(error)))
  if (ours !== null) return
  throw taken(tenant)
}

function taken({ database }: ClaimedTenant): Failure {
  const hint = 'choose another slug, or set FEEDCTL_DATABASE_PREFIX'
  return new Failure('DATABASE_TAKEN', `the database ${database} exists and is not this tenant's`, { hint })
}

/** Those of the chunk that another process is still creating: they do not exist yet, and may never. */
async function unfinishedOf(
  catalog: Catalog,
  chunk: readonly NewTenant[],
  claimed: readonly ClaimedTenant[],
): Promise<BulkReport['failures']> {
  const ours = new Set<string>(claimed.map(tenant => tenant.slug))
  const others = chunk.map(tenant => tenant.slug).filter(slug => !ours.has(slug))
  if (others.length === 0) return []
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .select('slug')
    .where('slug', 'in', others)
    .where('state', '=', 'provisioning')
    .execute()
  return rows.map(row => ({
    slug: row.slug as TenantSlug,
    code: 'TENANT_EXISTS',
    message: 'is being created by another process',
  }))
}

/** How many became active: not one that was deleted, or taken over, in the meantime. */
async function activate(
  catalog: Catalog,
  tenants: readonly ClaimedTenant[],
  holder: string,
  hash: string | null,
): Promise<number> {
  if (tenants.length === 0) return 0
  const ids = tenants.map(tenant => tenant.id)
  const changed = await catalog.kysely
    .updateTable('tenants')
    .set({ state: 'active', token_hash: hash, claimed_by: null, claimed_at: null, updated_at: Date.now() })
    .where('id', 'in', ids)
    .where('claimed_by', '=', holder)
    .where('state', '=', 'provisioning')
    .executeTakeFirst()
  return Number(changed.numUpdatedRows)
}

/** After a refusal nothing is left of a new tenant; after an outage the row stays, for the same command to finish. */
async function letGo(catalog: Catalog, tenant: ClaimedTenant, holder: string, made: boolean, error: unknown): Promise<void> {
  const undo = isFailure(error) && !error.retry && tenant.isNew
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
    else await catalog.kysely.deleteFrom('tenants').where('id', '=', tenant.id).execute()
  } catch {
    // The first error is the one to tell; a claim that could not be given back runs out by itself.
  }
}

async function existsFailure(catalog: Catalog, slug: TenantSlug): Promise<Failure> {
  const tenant = await getTenant(catalog, slug)
  const what = tenant.state === 'provisioning' ? 'is being created by another process' : `exists (${tenant.state})`
  return new Failure('TENANT_EXISTS', `tenant ${slug} ${what}`, { hint: `feedctl tenant show ${slug}` })
}
