import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { TenantState } from './databases/index.js'
import { parseDatabaseName, type TenantSlug } from './ids.js'
import { withTenant } from './tables.js'
import { changeState, getTenant, type Tenant } from './tenant.js'

const ROWS_PER_STATEMENT = 5_000

/** What was removed of a tenant. */
export interface RemovalReceipt {
  readonly slug: TenantSlug
  readonly id: Tenant['id']
  /** The dropped database; null for a tenant of a shared one. */
  readonly database: string | null
  readonly feeds: number
  readonly posts: number
  readonly removedAt: number
}

/**
 * Hides the tenant from everything at once; its data goes when `removeTenant` is called after the grace. `resume` undoes it, so one
 * that was never finished is marked only where `from` says so: by who removes it at once. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE
 */
export function markDeleted(
  catalog: Catalog,
  slug: TenantSlug,
  deleteAfterAt: number,
  from: readonly TenantState[] = ['active', 'suspended'],
): Promise<Tenant> {
  return changeState(catalog, slug, [...from, 'deleting'], 'deleting', deleteAfterAt)
}

/** Slugs of the tenants whose grace is over. */
export async function tenantsToRemove(catalog: Catalog, now: number): Promise<TenantSlug[]> {
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .select('slug')
    .where('state', '=', 'deleting')
    .where('delete_after', '<=', now)
    .orderBy('slug')
    .execute()
  return rows.map(row => row.slug as TenantSlug)
}

/** Removes rows or database, then the tenant itself; killed at any point, the same call goes on. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE unless it is marked */
export async function removeTenant(catalog: Catalog, slug: TenantSlug): Promise<RemovalReceipt> {
  const tenant = await getTenant(catalog, slug)
  if (tenant.state !== 'deleting')
    throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${tenant.state}`, { hint: `feedctl tenant delete ${slug}` })
  const dedicated = tenant.placement.kind === 'dedicated'
  const removed = await removeRows(catalog, tenant, dedicated)
  await catalog.kysely.deleteFrom('run_tenants').where('tenant_id', '=', tenant.id).execute()
  if (dedicated) await dropPlacement(catalog, tenant.id)
  else await catalog.kysely.deleteFrom('tenants').where('id', '=', tenant.id).execute()
  return { slug, id: tenant.id, database: dedicated ? tenant.placement.database : null, ...removed, removedAt: Date.now() }
}

/** Removes a tenant's own database, the tenant, and the placement; killed at any point, the slug can be created or removed again. */
export async function dropPlacement(catalog: Catalog, tenantId: Tenant['id'], hasDatabase = true): Promise<void> {
  const placement = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .select(['placements.id', 'placements.database_name'])
    .where('tenants.id', '=', tenantId)
    .executeTakeFirst()
  if (placement === undefined) return
  // First of all: a placement that is left over must not pass for one whose tables are there.
  await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('id', '=', placement.id).execute()
  if (hasDatabase) await catalog.server.drop(parseDatabaseName(placement.database_name))
  await catalog.kysely.deleteFrom('tenants').where('id', '=', tenantId).execute()
  await catalog.kysely.deleteFrom('placements').where('id', '=', placement.id).execute()
}

/** Counts what goes; in a shared database also deletes it, a few thousand rows at a time. */
async function removeRows(catalog: Catalog, tenant: Tenant, dedicated: boolean): Promise<{ feeds: number; posts: number }> {
  try {
    return await withTenant(catalog, tenant, async tables => {
      const feeds = await tables
        .feeds()
        .select(eb => eb.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
      const posts = await tables
        .posts()
        .select(eb => eb.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
      const counted = { feeds: Number(feeds.rows), posts: Number(posts.rows) }
      if (dedicated) return counted
      for (;;) {
        const ids = await tables.posts().select('id').orderBy('id').limit(ROWS_PER_STATEMENT).execute()
        const last = ids.at(-1)
        if (last === undefined) break
        await tables.remove('posts').where('id', '<=', last.id).execute()
      }
      await tables.remove('feeds').execute()
      await tables.remove('counters').execute()
      return counted
    })
  } catch (error) {
    // A tenant that was never finished has no tables.
    if (isFailure(error, 'SCHEMA_MISSING')) return { feeds: 0, posts: 0 }
    throw error
  }
}
