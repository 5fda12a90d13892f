import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isFailure, wordsOf } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import { hasDatabase, type MediaRemoval } from '../tenants/removal.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Bucket, Disk, Disks } from './disks/driver.js'
import { type MediaKey, tenantPrefix } from './names.js'
import { removingMedia } from './tenant-lock.js'

const KEYS_PER_REMOVAL = 1_000

export interface RemoveMediaParts {
  readonly catalog: Catalog
  readonly disks: () => Promise<Disks>
  /** What is in the bucket stays there, and the bucket is not asked: for who has none any more. */
  readonly forgetBucket?: boolean
  /** False where the database that the catalog names is not this installation's: nothing is read there. */
  readonly hasTables?: boolean
}

/**
 * Removes every file of a tenant that is being removed, named in its tables or not, from every disk, and what was begun to be uploaded; its rows stay, for the
 * tables' own removal. Whoever stores or moves media of the tenant stops first. Done again, it removes what is left.
 * @throws {Failure} those of the disks; BUCKET_NOT_FOUND where files are in a bucket and none is set; LOCKED when a large file is on its way
 */
export async function removeTenantMedia(parts: RemoveMediaParts, tenant: Tenant, signal: AbortSignal): Promise<MediaRemoval> {
  try {
    return await removingMedia(parts.catalog, tenant.id, signal, either => removeMedia(parts, tenant, either))
  } catch (error) {
    if (!isFailure(error, 'LOCKED')) throw error
    const hint = 'the tenant is hidden already: the schedule removes it later, or the same command again'
    throw new Failure('LOCKED', error.message, { hint, cause: error })
  }
}

async function removeMedia(parts: RemoveMediaParts, tenant: Tenant, signal: AbortSignal): Promise<MediaRemoval> {
  const known = parts.hasTables === false ? UNKNOWN_TABLES : await knownMedia(parts.catalog, tenant)
  const disks = await parts.disks()
  const bucket = parts.forgetBucket === true ? null : bucketToEmpty(disks, tenant, known)
  const bucketObjects = bucket === null ? 0 : await removeFromBucket(bucket, tenant, signal)
  const localFiles = await removeAll(disks.local, tenant.id, signal)
  await removeFolder(join(disks.local.folder, String(tenant.id)))
  const bucketForgotten = parts.forgetBucket === true ? known.inBucket : 0
  return { files: known.files, bytes: known.bytes, localFiles, bucketObjects, bucketForgotten }
}

/** Null when there is nothing to be removed of the tenant. What nobody can reach must stay known. @throws {Failure} BUCKET_NOT_FOUND */
function bucketToEmpty({ wasabi }: Disks, { slug }: Tenant, { inBucket, mayHave }: Known): Bucket | null {
  if (wasabi !== null || inBucket === null || inBucket === 0) return mayHave ? wasabi : null
  throw new Failure('BUCKET_NOT_FOUND', `${inBucket} media files of tenant ${slug} are in a bucket, and none is set`, {
    hint: `set WASABI_BUCKET and its keys, or leave them there: ${forgetting(slug)}`,
  })
}

function forgetting(slug: string): string {
  return `feedctl tenant delete ${slug} --now --forget-bucket --yes`
}

interface Known {
  /** Null when the tables cannot be read any more. */
  readonly files: number | null
  readonly bytes: number | null
  /** Files of which something may be in a bucket. */
  readonly inBucket: number | null
  /** False for a tenant whose posts never named media, and that never had any. */
  readonly mayHave: boolean
}

/** Where there are no tables of it, disks are looked through all the same. */
const UNKNOWN_TABLES: Known = { files: 0, bytes: 0, inBucket: 0, mayHave: true }

/** As its tables say; nothing where they were never finished, or are gone already. */
async function knownMedia(catalog: Catalog, tenant: Tenant): Promise<Known> {
  try {
    return await withTenant(catalog, tenant, async tables => {
      const all = await sumOf(tables, false)
      const there = await sumOf(tables, true)
      return { ...all, inBucket: there.files, mayHave: await mayHaveMedia(tables) }
    })
  } catch (error) {
    if (isFailure(error, 'SCHEMA_MISSING')) return UNKNOWN_TABLES
    // What cannot be read of a database of its own is removed with it, and the disks are looked through all the same.
    if (tenant.placement.kind === 'dedicated' && isFailure(error) && (await hasDatabase(catalog, tenant)))
      return { files: null, bytes: null, inBucket: null, mayHave: true }
    throw error
  }
}

async function sumOf(tables: TenantTables, inBucket: boolean): Promise<{ files: number; bytes: number }> {
  let query = tables.media().select(eb => [eb.fn.countAll<number>().as('files'), eb.fn.sum<number | null>('bytes').as('bytes')])
  if (inBucket) query = query.where(eb => eb.or([eb('etag', 'is not', null), eb('upload_id', 'is not', null)]))
  const row = await query.executeTakeFirstOrThrow()
  return { files: Number(row.files), bytes: Number(row.bytes ?? 0) }
}

/** Of a file whose bytes came and whose row did not, a link tells, or the counter of rows. */
async function mayHaveMedia(tables: TenantTables): Promise<boolean> {
  const [counter, row, link] = [
    await tables.counters().select('next').where('name', '=', 'media').executeTakeFirst(),
    await tables.media().select('id').limit(1).executeTakeFirst(),
    await tables.mediaLinks().select('post_id').limit(1).executeTakeFirst(),
  ]
  return counter !== undefined || row !== undefined || link !== undefined
}

/** Whatever a tenant has there, known or not, and what was begun to be uploaded; answers how many objects. @throws {Failure} those of the bucket */
export async function emptyBucketOf(bucket: Bucket, id: TenantId, signal: AbortSignal): Promise<number> {
  await bucket.abortUploads(tenantPrefix(id), 0, signal)
  const removed = await removeAll(bucket, id, signal)
  // What was sent by one that was killed may have come to the bucket meanwhile.
  return removed + (await removeAll(bucket, id, signal))
}

async function removeFromBucket(bucket: Bucket, tenant: Tenant, signal: AbortSignal): Promise<number> {
  try {
    return await emptyBucketOf(bucket, tenant.id, signal)
  } catch (error) {
    if (!isFailure(error) || error === signal.reason) throw error
    const hint = `the tenant is hidden already, and the schedule removes it when the bucket answers; without it: ${forgetting(tenant.slug)}`
    throw new Failure(error.code, error.message, { hint, cause: error })
  }
}

async function removeAll(disk: Disk, id: TenantId, signal: AbortSignal): Promise<number> {
  let removed = 0
  let keys: MediaKey[] = []
  const remove = async () => {
    await disk.remove(keys, signal)
    removed += keys.length
    keys = []
  }
  for await (const { key } of disk.list(tenantPrefix(id), null, signal)) {
    keys.push(key)
    if (keys.length === KEYS_PER_REMOVAL) await remove()
  }
  if (keys.length > 0) await remove()
  return removed
}

/** With what is no media: leftovers of writing, empty folders. */
async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch (error) {
    throw new Failure('UNAVAILABLE', `cannot remove ${folder}: ${wordsOf(error)}`, { cause: error })
  }
}
