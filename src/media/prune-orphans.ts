import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { unlessLocked } from '../tenants/locks.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { rowsNamed } from './bucket-rows.js'
import type { Bucket, Stat } from './disks/driver.js'
import { hashName, isContentName, type MediaKey, type MediaName, tenantPrefix } from './names.js'
import { tenantMediaLock } from './tenant-lock.js'

/** What came so lately may be on its way to its row. */
const ORPHAN_AFTER_MS = 86_400_000
const KEYS_AT_ONCE = 500

/**
 * Removes what sync put into the bucket and has no row, as one leaves behind that is killed between the two: only objects that are named by their content, and
 * are older than a day. Answers how many; none while media of the tenant is being stored. @throws {Failure} those of the bucket
 */
export async function pruneOrphans(
  parts: { readonly catalog: Catalog; readonly bucket: Bucket; readonly log: Log },
  tenant: Tenant,
  { now, signal }: { readonly now: number; readonly signal: AbortSignal },
): Promise<number> {
  const { catalog, bucket, log } = parts
  let removed = 0
  await unlessLocked(catalog, tenantMediaLock(tenant.id), log, async lost => {
    const either = AbortSignal.any([signal, lost])
    const remove = async (keys: readonly MediaKey[]) => {
      const orphans = await withoutRow(catalog, tenant, keys)
      if (orphans.length > 0) await bucket.remove(orphans, either)
      removed += orphans.length
    }
    let old: MediaKey[] = []
    for await (const stat of bucket.list(tenantPrefix(tenant.id), null, either)) {
      if (!isOld(stat, now) || !isContentName(nameOf(tenant, stat.key))) continue
      old.push(stat.key)
      if (old.length < KEYS_AT_ONCE) continue
      await remove(old)
      old = []
    }
    await remove(old)
  })
  return removed
}

function isOld({ modifiedAt }: Stat, now: number): boolean {
  return modifiedAt < now - ORPHAN_AFTER_MS
}

async function withoutRow(catalog: Catalog, tenant: Tenant, keys: readonly MediaKey[]): Promise<MediaKey[]> {
  const hashOf = (key: MediaKey) => hashName(nameOf(tenant, key))
  const rows = await withTenant(catalog, tenant, tables => rowsNamed(tables, keys.map(hashOf)))
  return keys.filter(key => !rows.has(hashOf(key)))
}

function nameOf(tenant: Tenant, key: MediaKey): MediaName {
  return key.slice(tenantPrefix(tenant.id).length) as MediaName
}
