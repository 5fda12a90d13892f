import { sleep } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { isAnothers, isSeenAsAnothers, ownerAt } from './database-owner.js'
import { withRemoval } from './fence.js'
import type { TenantId, TenantSlug } from './ids.js'
import { openMoves } from './moving/ledger.js'
import { removeOldCopies } from './moving/requests.js'
import { HEARD_MS } from './removal/marking.js'
import { dropDatabase } from './removal/own-database.js'
import type { MediaRemoval, RemovalParts } from './removal/parts.js'
import { beginReceipt, endReceipt, noteFacts, placeOf, type RemovalFacts, type RemovalReceipt } from './removal/receipts.js'
import { countRows, removeAllRows, sourcesOf } from './removal/rows.js'
import { noteLeft } from './source-readers.js'
import { type TenantTables, withTenant } from './tables.js'
import { getTenant, REMOVAL_BEGUN, type Tenant } from './tenant.js'

export { type DumpTerms, markDeleted, markDue, markDumped, resumeTenant } from './removal/marking.js'
export type { MediaRemoval, RemovalParts, RemoveMedia } from './removal/parts.js'
export type { Dump, RemovalReceipt } from './removal/receipts.js'

/** Runs what is one tenant's of what is done for several. It may keep to itself what is thrown: then that tenant is left out of the rest. */
export type EachTenant = (slug: TenantSlug, deed: () => Promise<unknown>) => Promise<unknown>

const orThrow: EachTenant = (_slug, deed) => deed()

/**
 * The removal can begin for those of the tenants whose grace is over; from then on nothing brings them back: what is gone of one must not be missed by one who
 * resumes it. Answers those whose removal has begun, now or earlier.
 */
export async function beginRemovals(catalog: Catalog, slugs: readonly TenantSlug[], each = orThrow): Promise<Tenant[]> {
  const tenants: Tenant[] = []
  for (const slug of slugs)
    await each(slug, async () => {
      await begin(catalog, slug)
      const tenant = await getTenant(catalog, slug).catch(error =>
        isFailure(error, 'TENANT_NOT_FOUND') ? null : Promise.reject(error),
      )
      if (tenant?.state === 'deleting' && tenant.deleteAfterAt === REMOVAL_BEGUN) tenants.push(tenant)
    })
  return tenants
}

/** Jobs and accepted events of tenants whose removal has begun; their receipts tell of them. @throws {Failure} UNAVAILABLE */
export async function removeWaiting(
  catalog: Catalog,
  tenants: readonly Tenant[],
  parts: Pick<RemovalParts, 'jobs' | 'events'>,
  by: string,
  each = orThrow,
): Promise<void> {
  const known = new Map<Tenant, RemovalFacts>()
  for (const tenant of tenants)
    await each(tenant.slug, async () => known.set(tenant, await beginReceipt(catalog, tenant, { ...placeOf(tenant), by })))
  const jobs = (await parts.jobs?.([...known.keys()].map(({ id }) => id))) ?? null
  if (jobs !== null)
    for (const [{ id, slug }, facts] of known)
      await each(slug, () => noteFacts(catalog, id, { ...facts, jobs: (facts.jobs ?? 0) + (jobs.get(id) ?? 0) }))
  await parts.events()
}

export interface RemovalTerms {
  readonly parts: RemovalParts
  /** The command or job, for the receipt. */
  readonly by: string
  readonly signal?: AbortSignal
}

/** A tenant of which nothing is left but its keys, its row and its receipt, and what is known of its removal. */
export interface Cleared {
  readonly tenant: Tenant
  readonly facts: RemovalFacts
}

/**
 * Removes all there is of a tenant, and the tenant itself with its last statement, which writes the receipt. Killed at any point, the same call goes on.
 * @throws {Failure} TENANT_NOT_FOUND; TENANT_WRONG_STATE unless it is marked and its grace is over; what the parts throw, UNAVAILABLE: it is hidden, and what
 * is not gone yet is still known
 */
export async function removeTenant(catalog: Catalog, slug: TenantSlug, terms: RemovalTerms): Promise<RemovalReceipt> {
  await removeWaiting(catalog, [await beginRemoval(catalog, slug)], terms.parts, terms.by)
  const [receipt] = await endRemovals(catalog, [await clearTenant(catalog, slug, terms)], terms)
  if (receipt !== undefined) return receipt
  throw new Failure('TENANT_NOT_FOUND', `tenant ${slug} was removed by another process`, {
    hint: `feedctl tenant receipt ${slug}`,
  })
}

/** What `removeTenant` does between `removeWaiting` and `endRemovals`, for who does those for several tenants at once. Throws as it does. */
export async function clearTenant(catalog: Catalog, slug: TenantSlug, { parts, by, signal }: RemovalTerms): Promise<Cleared> {
  const tenant = await beginRemoval(catalog, slug)
  let facts = await takeStock(catalog, tenant, by)
  const note = async (more: Partial<RemovalFacts>) => {
    facts = { ...facts, ...more }
    await noteFacts(catalog, tenant.id, facts)
  }
  const copies = await removeCopies(catalog, tenant, signal)
  if (copies.length > 0) await note({ oldCopies: (facts.oldCopies ?? 0) + copies.length })
  const ours = facts.isOurs !== false
  await note({ media: mediaSum(facts.media, await parts.media(tenant, { hasTables: ours })) })
  // Only now: whoever forgets sources that nobody reads asks the rows, an hour after.
  await noteLeft(catalog, ours ? ((await readTables(catalog, tenant, [], sourcesOf)) ?? []) : [])
  if (tenant.placement.kind === 'shared' && ours) await removeRows(catalog, tenant)
  await removeCatalogRows(catalog, tenant.id)
  if (tenant.placement.kind === 'dedicated') {
    const databaseUser = await dropDatabase(catalog, tenant.id, { ours })
    await note({ databaseUser: facts.databaseUser ?? databaseUser })
  }
  return { tenant, facts }
}

/**
 * Removes what processes share about these tenants, once for all of them, and then each with its receipt. One that another process ended is not among them.
 * @throws {Failure} UNAVAILABLE
 */
export async function endRemovals(
  catalog: Catalog,
  cleared: readonly Cleared[],
  { parts, signal }: Pick<RemovalTerms, 'parts' | 'signal'>,
  each = orThrow,
): Promise<RemovalReceipt[]> {
  if (cleared.length === 0) return []
  const ids = cleared.map(({ tenant }) => tenant.id)
  let keys: ReadonlyMap<TenantId, number> | null = null
  if (parts.keys !== null) {
    await sleep(Math.max(0, (await hiddenAt(catalog, ids)) + HEARD_MS - Date.now()), signal)
    keys = await parts.keys(ids)
  }
  const receipts: RemovalReceipt[] = []
  for (const { tenant, facts } of cleared)
    await each(tenant.slug, async () => {
      const whole = keys === null ? facts : { ...facts, keys: (facts.keys ?? 0) + (keys.get(tenant.id) ?? 0) }
      const receipt = await endReceipt(catalog, tenant, whole)
      if (receipt !== null) receipts.push(receipt)
    })
  return receipts
}

/** From here on nothing brings the tenant back. */
async function beginRemoval(catalog: Catalog, slug: TenantSlug): Promise<Tenant> {
  const begun = await begin(catalog, slug)
  const tenant = await getTenant(catalog, slug)
  if (begun) return tenant
  if (tenant.state === 'deleting' && tenant.deleteAfterAt !== null && tenant.deleteAfterAt <= Date.now()) {
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

/** What there is, as the attempt that began the removal counted it. */
async function takeStock(catalog: Catalog, tenant: Tenant, by: string): Promise<RemovalFacts> {
  const begun = await beginReceipt(catalog, tenant, { ...placeOf(tenant), by })
  // Once it is being dropped it cannot tell any more.
  const facts = begun.isOurs === undefined ? { ...begun, ...(await ownershipOf(catalog, tenant)) } : begun
  if (facts.rows !== undefined) return facts
  const none = { rows: null, sources: null }
  const stock = facts.isOurs === false ? none : await stockOf(catalog, tenant)
  const counted = { ...facts, ...placeOf(tenant), by, ...(stock ?? none) }
  await noteFacts(catalog, tenant.id, counted)
  return counted
}

/** Nothing where it cannot be told, or may be anyone's yet: then it is asked again. */
async function ownershipOf(catalog: Catalog, { placement, schemaVersion }: Tenant): Promise<Pick<RemovalFacts, 'isOurs'>> {
  if (placement.kind === 'shared') return { isOurs: !(await isAnothers(catalog, placement)) }
  // What has been this installation's goes, whatever state it is in.
  if (schemaVersion > 0) return { isOurs: !(await isSeenAsAnothers(catalog, placement)) }
  try {
    const owner = await ownerAt(catalog, placement)
    return owner === 'ours' || owner === 'others' ? { isOurs: owner === 'ours' } : {}
  } catch (error) {
    if (isFailure(error)) return {}
    throw error
  }
}

/** Null for a database of its own that cannot be read any more. */
function stockOf(catalog: Catalog, tenant: Tenant) {
  return readTables(catalog, tenant, { rows: { feeds: 0, posts: 0 }, sources: 0 }, async tables => ({
    rows: await countRows(tables),
    sources: (await sourcesOf(tables)).length,
  }))
}

/** `none` where there are no tables; null for a database of its own that cannot be read any more. */
async function readTables<T>(
  catalog: Catalog,
  tenant: Tenant,
  none: T,
  deed: (tables: TenantTables) => Promise<T>,
): Promise<T | null> {
  try {
    return await withTenant(catalog, tenant, deed)
  } catch (error) {
    if (!isFailure(error)) throw error
    // Never finished, or gone already.
    if (error.code === 'SCHEMA_MISSING') return none
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
    // Since the look that the receipt tells of.
    if (await isAnothers(catalog, tenant.placement)) return
    await withRemoval(catalog, tenant, removeAllRows)
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
  }
}

/** Without a move there is none, and nobody needs to wait for the other who removes the tenant as well: no move begins any more. */
async function removeCopies(catalog: Catalog, tenant: Tenant, signal = new AbortController().signal) {
  return (await openMoves(catalog, tenant.id)).length === 0 ? [] : removeOldCopies(catalog, tenant, signal)
}

/** Of the tables that name a tenant by its number. */
async function removeCatalogRows({ kysely }: Catalog, id: TenantId): Promise<void> {
  await kysely.deleteFrom('run_tenants').where('tenant_id', '=', id).execute()
  await kysely.deleteFrom('media_reads').where('tenant_id', '=', id).execute()
  await kysely.deleteFrom('moves').where('tenant_id', '=', id).execute()
}

/** When the last of them was hidden, or a little later. */
async function hiddenAt({ kysely }: Catalog, ids: readonly TenantId[]): Promise<number> {
  const { at } = await kysely
    .selectFrom('tenants')
    .select(eb => eb.fn.max<number | null>('updated_at').as('at'))
    .where('id', 'in', ids)
    .executeTakeFirstOrThrow()
  return Number(at ?? 0)
}

/** Whether the database of the tenant is there. @throws {Failure} UNAVAILABLE */
export async function hasDatabase(catalog: Catalog, { placement }: Tenant): Promise<boolean> {
  return (await catalog.hosts.serverOf(placement.host)).has(placement.database)
}
