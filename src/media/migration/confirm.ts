import { Failure } from '../../kernel/errors.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Stat } from '../disks/driver.js'
import { hashName, type MediaKey, type MediaName, mediaKey, tenantPrefix } from '../names.js'
import type { TenantJournal } from './journal.js'
import { journaled, type MigrationParts } from './parts.js'
import { countRows, type MediaRow, rowsOf } from './rows.js'

/** Up to so many objects are asked for one by one; above it, unless they are a small share of what the tenant has, by the pages of a list. */
const FEW = 50
const SMALL_SHARE = 1 / 200
const LOOKUP = 100
const PAGE = 500

/**
 * Looks at the bucket itself: rows whose object it has, with the etag and size that were uploaded, become `verified`; others are to be uploaded
 * again, and are failures of the run when that was the last time. Answers whether any are to be. A question that fails is a failure, never "not there".
 */
export async function confirmUploads(
  parts: MigrationParts,
  tenant: Tenant,
  journal: TenantJournal,
  isLast: boolean,
): Promise<boolean> {
  const uploaded = await journaled(countRows(journal.tables, ['uploaded']))
  if (uploaded === 0) return false
  const all = await journaled(countRows(journal.tables))
  if (uploaded > FEW && uploaded >= all * SMALL_SHARE) await confirmByList(parts, tenant, journal)
  return confirmOneByOne(parts, tenant, journal, isLast)
}

/** What the list does not have is left to a look of its own. */
async function confirmByList(parts: MigrationParts, tenant: Tenant, journal: TenantJournal): Promise<void> {
  const prefix = tenantPrefix(tenant.id)
  let after: MediaKey | null = null
  let batch: Stat[] = []
  const settle = async () => {
    await confirmBatch(journal, prefix.length, batch)
    batch = []
  }
  await parts.outage.bridge(async () => {
    for await (const stat of parts.bucket.list(prefix, after, parts.cut)) {
      parts.stop.throwIfAborted()
      batch.push(stat)
      after = stat.key
      if (batch.length === LOOKUP) await settle()
    }
  }, parts.stop)
  await settle()
}

async function confirmBatch(journal: TenantJournal, prefixLength: number, stats: readonly Stat[]): Promise<void> {
  if (stats.length === 0) return
  const byHash = new Map(stats.map(stat => [hashName(stat.key.slice(prefixLength) as MediaName), stat]))
  const hashes = [...byHash.keys()]
  while (hashes.length < LOOKUP) hashes.push(hashes[0] as string)
  const query = journal.tables.media().select(['id', 'name_hash', 'bytes', 'etag'])
  const rows = await journaled(query.where('name_hash', 'in', hashes).where('state', '=', 'uploaded').execute())
  const good = rows.filter(row => isCopy(row, byHash.get(row.name_hash) ?? null)).map(row => row.id)
  await journaled(journal.move(good, 'uploaded', { state: 'verified' }))
}

async function confirmOneByOne(parts: MigrationParts, tenant: Tenant, journal: TenantJournal, isLast: boolean): Promise<boolean> {
  let again = false
  for (let after = 0; ; ) {
    const rows = await journaled(rowsOf(journal.tables, 'uploaded', after, PAGE))
    const last = rows.at(-1)
    if (last === undefined) return again
    const looks = await Promise.allSettled(rows.map(row => lookAt(parts, tenant, row)))
    const good = rows.filter((_, index) => isTrue(looks[index]))
    await journaled(
      journal.move(
        good.map(row => row.id),
        'uploaded',
        { state: 'verified' },
      ),
    )
    for (const look of looks) if (look.status === 'rejected') throw look.reason
    for (const row of rows.filter((_, index) => !isTrue(looks[index]))) {
      again = true
      await journaled(journal.move([row.id], 'uploaded', { state: 'hashed', etag: null, upload_id: null, parts: null }))
      if (!isLast) continue
      const failure = new Failure('MEDIA_CORRUPT', `the bucket does not have what was uploaded as ${row.name}`)
      await journaled(journal.failed(row, failure))
      parts.tally.failed(tenant.slug, row.name, failure)
    }
    after = last.id
  }
}

function isTrue(look: PromiseSettledResult<boolean> | undefined): boolean {
  return look?.status === 'fulfilled' && look.value
}

async function lookAt(parts: MigrationParts, tenant: Tenant, row: MediaRow): Promise<boolean> {
  const free = await parts.slots.take(parts.stop)
  try {
    return isCopy(row, await parts.outage.bridge(() => parts.bucket.stat(mediaKey(tenant.id, row.name), parts.cut), parts.stop))
  } finally {
    free()
  }
}

function isCopy(row: Pick<MediaRow, 'bytes' | 'etag'>, stat: Pick<Stat, 'bytes' | 'etag'> | null): boolean {
  return stat !== null && stat.etag === row.etag && stat.bytes === row.bytes
}
