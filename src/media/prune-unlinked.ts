import type { Log } from '../kernel/log.js'
import { asWriter } from '../tenants/as-writer.js'
import type { Catalog } from '../tenants/catalog.js'
import { unlessLocked } from '../tenants/locks.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Disks } from './disks/driver.js'
import { mediaKey, parseMediaName } from './names.js'
import { PRUNABLE } from './prunable.js'
import { tenantMediaLock } from './tenant-lock.js'

const FILES_PER_BATCH = 200

export interface PrunedMedia {
  readonly files: number
  readonly bytes: number
}

interface Unlinked {
  readonly id: number
  readonly name: string
  readonly bytes: number
  readonly etag: string | null
}

export interface PruneMediaParts {
  readonly catalog: Catalog
  readonly log: Log
  readonly disks: () => Promise<Disks>
}

/**
 * Removes the tenant's files that posts named once and none names any more, from every disk and then from the tables, so that one that is killed goes on. Files
 * that no post ever named stay; while media is being stored, all do. @throws {Failure} those of the disks; the signal's reason
 */
export async function pruneUnlinked(
  parts: PruneMediaParts,
  tenant: Tenant,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<PrunedMedia> {
  const onTables: OnTables = deed => withTenant(parts.catalog, tenant, deed, signal)
  if (dryRun) return onTables(countUnlinked)
  const pruned = { files: 0, bytes: 0 }
  if ((await onTables(tables => unlinked(tables, 1))).length === 0) return pruned
  const disks = await parts.disks()
  const hasBucket = disks.wasabi !== null
  if (!hasBucket) await warnOfUnreachable(parts.log, tenant, onTables)
  await unlessLocked(parts.catalog, tenantMediaLock(tenant.id), parts.log, async lost => {
    const either = AbortSignal.any([signal, lost])
    for (;;) {
      either.throwIfAborted()
      const batch = await onTables(tables => unlinked(tables, FILES_PER_BATCH, hasBucket))
      if (batch.length === 0) return
      await removeBytes(disks, tenant, batch, either)
      await onTables(tables => removeRows(tables, batch))
      pruned.files += batch.length
      pruned.bytes += batch.reduce((bytes, file) => bytes + file.bytes, 0)
    }
  })
  return pruned
}

type OnTables = <T>(deed: (tables: TenantTables) => Promise<T>) => Promise<T>

/** What is in a bucket stays while none is set. */
async function warnOfUnreachable(log: Log, tenant: Tenant, onTables: OnTables): Promise<void> {
  const row = await onTables(tables =>
    tables
      .media()
      .select(eb => eb.fn.countAll<number>().as('files'))
      .where('unlinked_at', 'is not', null)
      .where('etag', 'is not', null)
      .executeTakeFirstOrThrow(),
  )
  const files = Number(row.files)
  if (files > 0) log.warn('files that no post names stay: they are in a bucket, and none is set', { tenant: tenant.slug, files })
}

function unlinked(tables: TenantTables, atMost: number, withBucket = true): Promise<Unlinked[]> {
  const rows = tables
    .media()
    .select(['id', 'name', 'bytes', 'etag'])
    .where('unlinked_at', 'is not', null)
    .where('state', 'in', PRUNABLE)
    .limit(atMost)
  return (withBucket ? rows : rows.where('etag', 'is', null)).execute()
}

async function countUnlinked(tables: TenantTables): Promise<PrunedMedia> {
  const row = await tables
    .media()
    .select(eb => [eb.fn.countAll<number>().as('files'), eb.fn.sum<number | null>('bytes').as('bytes')])
    .where('unlinked_at', 'is not', null)
    .where('state', 'in', PRUNABLE)
    .executeTakeFirstOrThrow()
  return { files: Number(row.files), bytes: Number(row.bytes ?? 0) }
}

async function removeBytes(disks: Disks, tenant: Tenant, batch: readonly Unlinked[], signal: AbortSignal): Promise<void> {
  const keyOf = (file: Unlinked) => mediaKey(tenant.id, parseMediaName(file.name))
  const inBucket = batch.filter(file => file.etag !== null)
  if (inBucket.length > 0) await disks.wasabi?.remove(inBucket.map(keyOf), signal)
  await disks.local.remove(batch.map(keyOf), signal)
}

/** A post that names it again was stored by who holds the lock, which is this one: there is none. */
async function removeRows(tables: TenantTables, batch: readonly Unlinked[]): Promise<void> {
  await asWriter(tables, async tx => {
    const ids = batch.map(file => file.id)
    await tx.remove('media').where('id', 'in', ids).where('unlinked_at', 'is not', null).execute()
    return true
  })
}
