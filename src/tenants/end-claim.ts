import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { ClaimedTenant } from './claim.js'
import { ownerAt } from './database-owner.js'
import { dropDbUser } from './db-users.js'
import { withRemoval } from './fence.js'
import type { TenantSlug } from './ids.js'
import { KeptClaim } from './kept-claim.js'
import { hasOtherTenants } from './placement-tenants.js'
import { vacate } from './removal/own-database.js'
import { TENANT_SCHEMA_VERSION } from './upgrade.js'

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

/** Of these, for which `activate` came too late, those that are not there for everyone all the same, by the deed of another. */
export async function missedBy(catalog: Catalog, tenants: readonly ClaimedTenant[]): Promise<Map<TenantSlug, Failure>> {
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .select(['id', 'state'])
    .where(
      'id',
      'in',
      tenants.map(tenant => tenant.id),
    )
    .execute()
  const states = new Map<number, string>(rows.map(row => [row.id, row.state]))
  const missed = new Map<TenantSlug, Failure>()
  for (const { id, slug } of tenants) {
    const state = states.get(id)
    if (state === 'provisioning') missed.set(slug, beingCreated())
    else if (state === undefined || state === 'deleting')
      missed.set(slug, new Failure('TENANT_WRONG_STATE', 'was deleted while it was created'))
  }
  return missed
}

/** Without the tenant's name, for whoever tells that by himself. */
export function beingCreated(): Failure {
  return new Failure('TENANT_EXISTS', 'is being created by another process')
}

/** Keeps the tenants from being taken for left off; the numbers of those that are not another's by now. */
export async function renewClaims(
  catalog: Catalog,
  tenants: readonly ClaimedTenant[],
  holder: string,
): Promise<ReadonlySet<number>> {
  if (tenants.length === 0) return new Set()
  const ids = tenants.map(tenant => tenant.id)
  const renewed = await catalog.kysely
    .updateTable('tenants')
    .set({ claimed_at: Date.now() })
    .where('id', 'in', ids)
    .where('claimed_by', '=', holder)
    .where('state', '=', 'provisioning')
    .executeTakeFirst()
  if (Number(renewed.numUpdatedRows) === ids.length) return new Set(ids)
  const held = await catalog.kysely
    .selectFrom('tenants')
    .select('id')
    .where('id', 'in', ids)
    .where('claimed_by', '=', holder)
    .where('state', '=', 'provisioning')
    .execute()
  return new Set(held.map(row => row.id))
}

/**
 * After a refusal, and when it was interrupted, nothing is left of a tenant that can be undone: a new one, or one that was made as empty. After an outage the row
 * stays, for the same command to finish. `made`: whether its database goes with it, unless it is another's by now.
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
    const claim = new KeptClaim(catalog, tenant.id, holder)
    if (!undo) return await claim.keep({ claimed_by: null, claimed_at: null })
    await claim.keep()
    if (tenant.kind === 'dedicated') await dropMade(catalog, tenant, holder, made)
    else await leave(catalog, tenant)
    await catalog.kysely
      .deleteFrom('tenants')
      .where('id', '=', tenant.id)
      .where('claimed_by', '=', holder)
      .where('state', '=', 'provisioning')
      .execute()
  } catch {
    // The first error is the one to tell; a claim that could not be given back runs out by itself.
  }
}

/** The database of its own, and its user, unless another tenant has it too. What takes long may cost the claim, and then whatever is there is somebody else's. */
async function dropMade(catalog: Catalog, tenant: ClaimedTenant, holder: string, made: boolean): Promise<void> {
  const { id, placementId, host, database } = tenant
  if (await hasOtherTenants(catalog, placementId, id)) return
  await vacate(catalog, placementId, { id, state: 'provisioning', holder })
  const claim = new KeptClaim(catalog, id, holder)
  await claim.keep()
  await dropDbUser(catalog, tenant)
  if (!made || (await ownerAt(catalog, tenant)) === 'others') return
  const server = await catalog.hosts.serverOf(host)
  await claim.keep()
  await server.drop(database)
}

/** A tenant of a shared database that has no rows there. In one of another installation its number is another tenant's. */
async function leave(catalog: Catalog, { id, kind, host, database, schemaVersion }: ClaimedTenant): Promise<void> {
  const place = { id, placement: { kind, host, database }, schemaVersion }
  try {
    if ((await ownerAt(catalog, place.placement)) !== 'ours') return
    await withRemoval(catalog, place, tables => tables.transaction(tx => tx.leave()))
  } catch {
    // It may not have come so far that it lives there, or that there are tables.
  }
}
