import { chunksOf } from '../kernel/chunks.js'
import { sleep } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { TenantState } from './databases/index.js'
import { dropDbUser } from './db-users.js'
import { withRemoval } from './fence.js'
import { parseDatabaseName, type TenantId, type TenantSlug } from './ids.js'
import { openMoves } from './moving/ledger.js'
import { removeOldCopies } from './moving/requests.js'
import { hasOtherTenants } from './placement-tenants.js'
import type { MediaRemoval, RemovalParts } from './removal/parts.js'
import {
  beginReceipt,
  type Dump,
  endReceipt,
  noteDump,
  noteFacts,
  placeOf,
  type RemovalFacts,
  type RemovalReceipt,
} from './removal/receipts.js'
import { countRows, removeAllRows, sourcesOf } from './removal/rows.js'
import { withTenant } from './tables.js'
import { changeState, getTenant, REMOVAL_BEGUN, type Tenant } from './tenant.js'

export type { MediaRemoval, RemovalParts, RemoveMedia } from './removal/parts.js'
export type { Dump, RemovalReceipt } from './removal/receipts.js'

/** Every process looks once a second for tenants that changed: what it knew of a hidden one is forgotten by then. */
const HEARD_MS = 2_500
const SOURCES_PER_STATEMENT = 1_000

/**
 * Hides the tenant from everything at once; its data goes when `removeTenant` is called after the grace. `resume` undoes it, so one
 * that was never finished is marked only where `from` says so: by who removes it at once. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE
 */
export async function markDeleted(
  catalog: Catalog,
  slug: TenantSlug,
  deleteAfterAt: number,
  from: readonly TenantState[] = ['active', 'suspended'],
): Promise<Tenant> {
  const { state } = await getTenant(catalog, slug)
  const marked = await changeState(catalog, slug, [...from, 'deleting'], 'deleting', Math.max(REMOVAL_BEGUN + 1, deleteAfterAt))
  // A dump of before it was resumed is not what it has now.
  if (state !== 'deleting') await noteDump(catalog, marked, null)
  return marked
}

/**
 * The same, and writes what it had to a file before it may be removed: `dump` is called when nothing of the tenant changes any more. Where that fails the
 * tenant is what it was, and nothing is removed. Killed meanwhile, it is hidden until it is resumed or the grace is over.
 */
export async function markDumped(
  catalog: Catalog,
  slug: TenantSlug,
  deleteAfterAt: number,
  dump: (tenant: Tenant) => Promise<Dump>,
): Promise<Tenant> {
  const before = await getTenant(catalog, slug)
  const marked = await markDeleted(catalog, slug, deleteAfterAt)
  try {
    await noteDump(catalog, marked, await dump(marked))
    return marked
  } catch (error) {
    if (before.state !== 'deleting') await changeState(catalog, slug, ['deleting'], before.state)
    throw error
  }
}

/**
 * The removal can begin for those of the tenants whose grace is over; from then on nothing brings them back: what is gone of one must not be missed by one who
 * resumes it. Answers those whose removal has begun, now or earlier.
 */
export async function beginRemovals(catalog: Catalog, slugs: readonly TenantSlug[]): Promise<Tenant[]> {
  const tenants: Tenant[] = []
  for (const slug of slugs) {
    await begin(catalog, slug)
    const tenant = await getTenant(catalog, slug).catch(error =>
      isFailure(error, 'TENANT_NOT_FOUND') ? null : Promise.reject(error),
    )
    if (tenant?.state === 'deleting' && tenant.deleteAfterAt === REMOVAL_BEGUN) tenants.push(tenant)
  }
  return tenants
}

/** Jobs and accepted events of tenants whose removal has begun; the jobs that each had. @throws {Failure} UNAVAILABLE */
export async function removeWaiting(
  catalog: Catalog,
  tenants: readonly Tenant[],
  parts: Pick<RemovalParts, 'jobs' | 'events'>,
  by: string,
): Promise<ReadonlyMap<TenantId, number> | null> {
  for (const tenant of tenants) await beginReceipt(catalog, tenant, { ...placeOf(tenant), by })
  const jobs = (await parts.jobs?.(tenants.map(({ id }) => id))) ?? null
  await parts.events()
  return jobs
}

export interface RemovalTerms {
  readonly parts: RemovalParts
  /** The command or job, for the receipt. */
  readonly by: string
  readonly signal?: AbortSignal
  /** What `removeWaiting` answered, where that was done for several; else it is done now. */
  readonly waiting?: ReadonlyMap<TenantId, number> | null
}

/**
 * Removes all there is of a tenant, and the tenant itself with its last statement, which writes the receipt. Killed at any point, the same call goes on.
 * @throws {Failure} TENANT_NOT_FOUND; TENANT_WRONG_STATE unless it is marked and its grace is over; what the parts throw, UNAVAILABLE: it is hidden, and what
 * is not gone yet is still known
 */
export async function removeTenant(
  catalog: Catalog,
  slug: TenantSlug,
  { parts, by, waiting, signal }: RemovalTerms,
): Promise<RemovalReceipt> {
  const tenant = await beginRemoval(catalog, slug)
  let facts = await takeStock(catalog, tenant, by)
  const note = async (more: Partial<RemovalFacts>) => {
    facts = { ...facts, ...more }
    await noteFacts(catalog, tenant.id, facts)
  }
  const jobs = waiting === undefined ? await removeWaiting(catalog, [tenant], parts, by) : waiting
  if (jobs !== null) await note({ jobs: (facts.jobs ?? 0) + (jobs.get(tenant.id) ?? 0) })
  const copies = await removeCopies(catalog, tenant, signal)
  if (copies.length > 0) await note({ oldCopies: (facts.oldCopies ?? 0) + copies.length })
  await note({ media: mediaSum(facts.media, await parts.media(tenant)) })
  if (tenant.placement.kind === 'shared') await removeRows(catalog, tenant)
  await removeCatalogRows(catalog, tenant.id)
  if (tenant.placement.kind === 'dedicated') {
    const databaseUser = await dropDatabase(catalog, tenant.id)
    await note({ databaseUser: facts.databaseUser ?? databaseUser })
  }
  if (parts.keys !== null) {
    await sleep(Math.max(0, (await hiddenAt(catalog, tenant.id)) + HEARD_MS - Date.now()), signal)
    await note({ keys: (facts.keys ?? 0) + ((await parts.keys([tenant.id])).get(tenant.id) ?? 0) })
  }
  const receipt = await endReceipt(catalog, tenant.id, facts)
  if (receipt !== null) return receipt
  throw new Failure('TENANT_NOT_FOUND', `tenant ${slug} was removed by another process`, {
    hint: `feedctl tenant receipt ${slug}`,
  })
}

/** From here on nothing brings the tenant back. */
async function beginRemoval(catalog: Catalog, slug: TenantSlug): Promise<Tenant> {
  const begun = await begin(catalog, slug)
  const tenant = await getTenant(catalog, slug)
  if (begun) return tenant
  if (tenant.state === 'deleting' && (tenant.deleteAfterAt ?? 0) <= Date.now()) {
    throw new Failure('TENANT_MOVING', `tenant ${slug} is being moved, and is removed when that has come to an end`, {
      hint: 'the tenant is hidden already: the schedule removes it later, or the same command again',
    })
  }
  throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${tenant.state}, and not due`, {
    hint: `feedctl tenant show ${slug}`,
  })
}

async function begin(catalog: Catalog, slug: TenantSlug): Promise<boolean> {
  const begun = await catalog.kysely
    .updateTable('tenants')
    .set({ delete_after: REMOVAL_BEGUN })
    .where('slug', '=', slug)
    .where('state', '=', 'deleting')
    .where('delete_after', '<=', Date.now())
    .where('move_id', 'is', null)
    .executeTakeFirst()
  return begun.numUpdatedRows > 0n
}

/** What there is, as the attempt that began the removal counted it. Sources that it read are looked at later: others may read them. */
async function takeStock(catalog: Catalog, tenant: Tenant, by: string): Promise<RemovalFacts> {
  const facts = await beginReceipt(catalog, tenant, { ...placeOf(tenant), by })
  if (facts.rows !== undefined) return facts
  const stock = await countAll(catalog, tenant)
  const counted = { ...facts, ...placeOf(tenant), by, rows: stock?.rows ?? null, sources: stock?.sources.length ?? null }
  for (const some of chunksOf(stock?.sources ?? [], SOURCES_PER_STATEMENT))
    await catalog.kysely.updateTable('sources').set({ left_at: Date.now() }).where('id', 'in', some).execute()
  await noteFacts(catalog, tenant.id, counted)
  return counted
}

/** Null for a database of its own that cannot be read any more. */
async function countAll(
  catalog: Catalog,
  tenant: Tenant,
): Promise<{ rows: Record<string, number>; sources: readonly number[] } | null> {
  try {
    return await withTenant(catalog, tenant, async tables => ({
      rows: await countRows(tables),
      sources: await sourcesOf(tables),
    }))
  } catch (error) {
    if (!isFailure(error)) throw error
    // Never finished, or gone already.
    if (error.code === 'SCHEMA_MISSING') return { rows: { feeds: 0, posts: 0 }, sources: [] }
    // What cannot be read of a database of its own goes with it all the same.
    if (tenant.placement.kind === 'dedicated' && (await hasDatabase(catalog, tenant))) return null
    throw error
  }
}

/** Of an attempt, added to those before it: the tables are told of once. */
function mediaSum(before: MediaRemoval | undefined, now: MediaRemoval): MediaRemoval {
  if (before === undefined) return now
  const localFiles = before.localFiles + now.localFiles
  const bucketObjects = before.bucketObjects + now.bucketObjects
  return { ...now, files: before.files ?? now.files, bytes: before.bytes ?? now.bytes, localFiles, bucketObjects }
}

async function removeRows(catalog: Catalog, tenant: Tenant): Promise<void> {
  try {
    await withRemoval(catalog, tenant, removeAllRows)
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
  }
}

/** Without a move there is none, and nobody needs to wait for the other who removes the tenant as well: no move begins any more. */
async function removeCopies(catalog: Catalog, tenant: Tenant, signal = new AbortController().signal) {
  return (await openMoves(catalog, tenant.id)).length === 0 ? [] : removeOldCopies(catalog, tenant, signal)
}

/** Of the tables that name a tenant by its number, and of the locks whose names have it. */
async function removeCatalogRows({ kysely }: Catalog, id: TenantId): Promise<void> {
  await kysely.deleteFrom('run_tenants').where('tenant_id', '=', id).execute()
  await kysely.deleteFrom('media_reads').where('tenant_id', '=', id).execute()
  await kysely.deleteFrom('moves').where('tenant_id', '=', id).execute()
}

async function hiddenAt({ kysely }: Catalog, id: TenantId): Promise<number> {
  const row = await kysely.selectFrom('tenants').select('updated_at').where('id', '=', id).executeTakeFirst()
  return row?.updated_at ?? 0
}

/**
 * Removes a tenant's own database, and the tenant; killed at any point, the slug can be created or removed again. The placement's row stays, for the
 * next tenant of that name: one that is being created may hold its number already.
 */
export async function dropPlacement(catalog: Catalog, tenantId: Tenant['id'], hasDatabase = true): Promise<void> {
  await dropDatabase(catalog, tenantId, hasDatabase)
  await catalog.kysely.deleteFrom('tenants').where('id', '=', tenantId).execute()
}

/** Removes a tenant's own database and its user, unless another tenant has it too; answers the user's name, null for none. */
async function dropDatabase(catalog: Catalog, tenantId: Tenant['id'], hasDatabase = true): Promise<string | null> {
  const placement = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.database_name', 'hosts.name as host'])
    .where('tenants.id', '=', tenantId)
    .executeTakeFirst()
  if (placement === undefined || (await hasOtherTenants(catalog, placement.id, tenantId))) return null
  // First of all: a placement that is left over must not pass for one whose tables are there.
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: 0, vacated_at: Date.now() })
    .where('id', '=', placement.id)
    .execute()
  const database = parseDatabaseName(placement.database_name)
  const user = await dropDbUser(catalog, { kind: 'dedicated', host: placement.host, database })
  if (hasDatabase) await (await catalog.hosts.serverOf(placement.host)).drop(database)
  return user
}

/** Whether the database of the tenant is there. @throws {Failure} UNAVAILABLE */
export async function hasDatabase(catalog: Catalog, { placement }: Tenant): Promise<boolean> {
  return (await catalog.hosts.serverOf(placement.host)).has(placement.database)
}
