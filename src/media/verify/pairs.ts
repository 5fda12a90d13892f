import type { TenantId } from '../../tenants/ids.js'
import type { TenantTables } from '../../tenants/tables.js'
import { type BucketRow, isInBucket, ROWS_AT_ONCE, rowsAfter, rowsNamed } from '../bucket-rows.js'
import type { Bucket, Stat } from '../disks/driver.js'
import { hashName, type MediaName, tenantPrefix } from '../names.js'
import { IdSet } from './id-set.js'

/** A row whose object should be in the bucket, with what the listing told of it; null when it was not in the listing. */
export interface Pair {
  readonly row: BucketRow
  readonly stat: Stat | null
}

export interface PairBatch {
  readonly pairs: readonly Pair[]
  /** Objects that no row knows. */
  readonly unknown: readonly Stat[]
}

export interface JournalAndBucket {
  readonly tenantId: TenantId
  readonly bucket: Bucket
  /** Runs a deed on the tenant's tables. */
  readonly journal: <T>(deed: (tables: TenantTables) => Promise<T>) => Promise<T>
}

/**
 * Joins the listing of the tenant's objects with its journal, in batches. First in the order of the listing, then the rows that were not in it. What is held
 * is a batch and a bit for each row. A listing that fails is a Failure, and then no row is called missing.
 */
export async function* pairs(parts: JournalAndBucket, signal: AbortSignal): AsyncGenerator<PairBatch> {
  const listed = new IdSet()
  for await (const stats of batches(parts.bucket.list(tenantPrefix(parts.tenantId), null, signal))) {
    const hashed = stats.map(stat => ({ stat, hash: hashName(nameOf(stat, parts.tenantId)) }))
    const hashes = hashed.map(({ hash }) => hash)
    const rows = await parts.journal(tables => rowsNamed(tables, hashes))
    const batch = { pairs: [] as Pair[], unknown: [] as Stat[] }
    for (const { stat, hash } of hashed) {
      const row = rows.get(hash)
      if (row === undefined) batch.unknown.push(stat)
      else if (isInBucket(row)) {
        listed.add(row.id)
        batch.pairs.push({ row, stat })
      }
    }
    yield batch
  }
  for await (const rows of journalRows(parts)) {
    const left = rows.filter(row => isInBucket(row) && !listed.has(row.id))
    if (left.length > 0) yield { pairs: left.map(row => ({ row, stat: null })), unknown: [] }
  }
}

/** All rows of the tenant, page by page. */
export async function* journalRows({ journal }: Pick<JournalAndBucket, 'journal'>): AsyncGenerator<readonly BucketRow[]> {
  for (let after = 0; ; ) {
    const rows = await journal(tables => rowsAfter(tables, after))
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = last.id
  }
}

async function* batches(stats: AsyncIterable<Stat>): AsyncGenerator<readonly Stat[]> {
  let batch: Stat[] = []
  for await (const stat of stats) {
    batch.push(stat)
    if (batch.length < ROWS_AT_ONCE) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Somebody else may have stored objects under any name: what is none of ours is found nowhere. */
function nameOf(stat: Stat, tenantId: TenantId): MediaName {
  return stat.key.slice(tenantPrefix(tenantId).length) as MediaName
}
