import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { tenantContent } from './content.js'
import type { TenantState } from './databases/index.js'
import { dropDbUser } from './db-users.js'
import { removeEventRows } from './event-rows.js'
import { withRemoval } from './fence.js'
import { parseDatabaseName, type TenantSlug } from './ids.js'
import type { TenantTables } from './tables.js'
import { changeState, getTenant, REMOVAL_BEGUN, type Tenant } from './tenant.js'

const ROWS_PER_STATEMENT = 5_000
const EVENT_TABLES = ['events', 'event_counts', 'event_days', 'event_visitors', 'event_batches'] as const

/** What was removed of a tenant's media. */
export interface MediaRemoval {
  /** As its tables named them, also when an earlier attempt removed them; null when the tables could not be read any more. */
  readonly files: number | null
  readonly bytes: number | null
  /** Removed by this attempt, whether the tables named them or not. */
  readonly localFiles: number
  readonly bucketObjects: number
  /** Files that stay in the bucket, as was asked for; null when the tables could not be read any more. */
  readonly bucketForgotten: number | null
}

/** Removes the files of a tenant whose removal has begun, while its tables are still there. Done again, it goes on. */
export type RemoveMedia = (tenant: Tenant) => Promise<MediaRemoval>

/** What was removed of a tenant. */
export interface RemovalReceipt {
  readonly slug: TenantSlug
  readonly id: Tenant['id']
  /** The dropped database; null for a tenant of a shared one. */
  readonly database: string | null
  /** Null when the database could not be read any more. */
  readonly feeds: number | null
  readonly posts: number | null
  readonly media: MediaRemoval
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
  return changeState(catalog, slug, [...from, 'deleting'], 'deleting', Math.max(REMOVAL_BEGUN + 1, deleteAfterAt))
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

/**
 * Removes the files, rows or database, then the tenant itself; killed at any point, the same call goes on. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE
 * unless it is marked and its grace is over; those of `removeMedia`, then all rows are there still
 */
export async function removeTenant(catalog: Catalog, slug: TenantSlug, removeMedia: RemoveMedia): Promise<RemovalReceipt> {
  const tenant = await beginRemoval(catalog, slug)
  const media = await removeMedia(tenant)
  const dedicated = tenant.placement.kind === 'dedicated'
  const removed = await removeRows(catalog, tenant, dedicated)
  await catalog.kysely.deleteFrom('run_tenants').where('tenant_id', '=', tenant.id).execute()
  await catalog.kysely.deleteFrom('media_reads').where('tenant_id', '=', tenant.id).execute()
  if (dedicated) await dropPlacement(catalog, tenant.id)
  else await catalog.kysely.deleteFrom('tenants').where('id', '=', tenant.id).execute()
  const database = dedicated ? tenant.placement.database : null
  return { slug, id: tenant.id, database, ...removed, media, removedAt: Date.now() }
}

/** From here on nothing brings the tenant back: what is gone of it must not be missed by one who resumes it. */
async function beginRemoval(catalog: Catalog, slug: TenantSlug): Promise<Tenant> {
  const begun = await catalog.kysely
    .updateTable('tenants')
    .set({ delete_after: REMOVAL_BEGUN })
    .where('slug', '=', slug)
    .where('state', '=', 'deleting')
    .where('delete_after', '<=', Date.now())
    .where('move_id', 'is', null)
    .executeTakeFirst()
  const tenant = await getTenant(catalog, slug)
  if (begun.numUpdatedRows > 0n) return tenant
  throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${tenant.state}, and not due`, {
    hint: `feedctl tenant show ${slug}`,
  })
}

/**
 * Removes a tenant's own database and the tenant; killed at any point, the slug can be created or removed again. The placement's row stays, for the
 * next tenant of that name: one that is being created may hold its number already.
 */
export async function dropPlacement(catalog: Catalog, tenantId: Tenant['id'], hasDatabase = true): Promise<void> {
  const placement = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.database_name', 'hosts.name as host'])
    .where('tenants.id', '=', tenantId)
    .executeTakeFirst()
  if (placement === undefined) return
  if (await hasOtherTenants(catalog, placement.id, tenantId)) {
    await catalog.kysely.deleteFrom('tenants').where('id', '=', tenantId).execute()
    return
  }
  // First of all: a placement that is left over must not pass for one whose tables are there.
  await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('id', '=', placement.id).execute()
  const database = parseDatabaseName(placement.database_name)
  await dropDbUser(catalog, { kind: 'dedicated', host: placement.host, database })
  if (hasDatabase) await (await catalog.hosts.serverOf(placement.host)).drop(database)
  await catalog.kysely.deleteFrom('tenants').where('id', '=', tenantId).execute()
}

/** Whether the placement is also another tenant's, which a dedicated one never should be. */
export async function hasOtherTenants(catalog: Catalog, placementId: number, tenantId: Tenant['id']): Promise<boolean> {
  const other = await catalog.kysely
    .selectFrom('tenants')
    .select('id')
    .where('placement_id', '=', placementId)
    .where('id', '<>', tenantId)
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
}

/** Whether the database of the tenant is there. @throws {Failure} UNAVAILABLE */
export async function hasDatabase(catalog: Catalog, { placement }: Tenant): Promise<boolean> {
  return (await catalog.hosts.serverOf(placement.host)).has(placement.database)
}

/** Counts what goes; in a shared database also deletes it, a few thousand rows at a time. */
async function removeRows(
  catalog: Catalog,
  tenant: Tenant,
  dedicated: boolean,
): Promise<{ feeds: number | null; posts: number | null }> {
  try {
    const counted = await tenantContent(catalog, tenant)
    if (!dedicated) await withRemoval(catalog, tenant, removeAll)
    return counted
  } catch (error) {
    // What cannot be read of a database of its own goes with it all the same.
    if (dedicated && isFailure(error) && (await hasDatabase(catalog, tenant))) return { feeds: null, posts: null }
    throw error
  }
}

/** Feeds first, under the writer lock: a sync that is under way finds none, and stores nothing more. */
async function removeAll(tables: TenantTables): Promise<void> {
  await tables.transaction(async tx => {
    await tx.takeIds('posts', 0)
    await tx.remove('feeds').execute()
  })
  for (;;) {
    const ids = await tables.posts().select('id').orderBy('id').limit(ROWS_PER_STATEMENT).execute()
    const last = ids.at(-1)
    if (last === undefined) break
    await tables.transaction(tx => tx.remove('posts').where('id', '<=', last.id).execute())
  }
  for (;;) {
    const keys = await tables
      .tombstones()
      .select(['feed_id', 'guid_hash'])
      .orderBy('feed_id')
      .orderBy('guid_hash')
      .limit(ROWS_PER_STATEMENT)
      .execute()
    const last = keys.at(-1)
    if (last === undefined) break
    await tables.transaction(tx =>
      tx
        .remove('tombstones')
        .where(eb =>
          eb.or([
            eb('feed_id', '<', last.feed_id),
            eb.and([eb('feed_id', '=', last.feed_id), eb('guid_hash', '<=', last.guid_hash)]),
          ]),
        )
        .execute(),
    )
  }
  await removeMediaRows(tables)
  await removeEventRows(tables)
  // Whoever waits for this to end finds that the tenant does not live here, and leaves nothing behind.
  await tables.transaction(async tx => {
    await tx.takeIds('posts', 0)
    await tx.remove('posts').execute()
    await tx.remove('tombstones').execute()
    await tx.remove('media').execute()
    await tx.remove('media_links').execute()
    for (const table of EVENT_TABLES) await tx.remove(table).execute()
    await tx.remove('counters').execute()
    await tx.leave()
  })
}

async function removeMediaRows(tables: TenantTables): Promise<void> {
  for (;;) {
    const ids = await tables.media().select('id').orderBy('id').limit(ROWS_PER_STATEMENT).execute()
    const last = ids.at(-1)
    if (last === undefined) break
    await tables.transaction(tx => tx.remove('media').where('id', '<=', last.id).execute())
  }
  for (;;) {
    const links = await tables.mediaLinks().select('post_id').orderBy('post_id').limit(ROWS_PER_STATEMENT).execute()
    const last = links.at(-1)
    if (last === undefined) break
    await tables.transaction(tx => tx.remove('media_links').where('post_id', '<=', last.post_id).execute())
  }
}
