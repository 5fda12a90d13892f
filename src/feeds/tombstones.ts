import { chunksOf } from '../kernel/chunks.js'
import type { TenantTables } from '../tenants/tables.js'

const DAY_MS = 86_400_000
/** How long a feed must not have listed a guid before its tombstone goes. */
const LISTED_NO_MORE_MS = 90 * DAY_MS
/** A tombstone of a guid that is still listed is stamped anew when its stamp is older, and not at every document. */
const STAMP_EVERY_MS = 30 * DAY_MS
const ROWS_PER_STATEMENT = 1_000

/** Guids of one feed. */
export interface FeedGuids {
  readonly feedId: number
  readonly guidHashes: readonly string[]
}

/**
 * Deletes posts for good, in one transaction: no document brings them back. Answers how many there were.
 * A large number of ids holds up the tenant's other writers: pass a thousand or so at a time.
 */
export function deletePosts(tables: TenantTables, ids: readonly number[], now: number): Promise<number> {
  return tables.transaction(async tx => {
    // The tenant's writer lock: a document that is being stored sees these posts, or their tombstones.
    await tx.takeIds('posts', 0)
    let deleted = 0
    for (const chunk of chunksOf(ids, ROWS_PER_STATEMENT)) {
      const posts = await tx.posts().select(['feed_id', 'guid_hash']).where('id', 'in', chunk).execute()
      if (posts.length === 0) continue
      await tx.insert(
        'tombstones',
        posts.map(post => ({ ...post, deleted_at: now })),
        { key: ['tenant_id', 'feed_id', 'guid_hash'], replace: ['deleted_at'] },
      )
      await tx.remove('posts').where('id', 'in', chunk).execute()
      deleted += posts.length
    }
    return deleted
  })
}

/** Which of these guids, listed by a document that is being stored, were deleted. They are noted as listed still. */
export async function buriedGuids(
  tx: TenantTables,
  listed: readonly FeedGuids[],
  now: number,
): Promise<Map<number, Set<string>>> {
  const buried = new Map<number, Set<string>>()
  if (listed.length === 0 || (await tx.tombstones().select('feed_id').limit(1).executeTakeFirst()) === undefined) return buried
  for (const { feedId, guidHashes } of listed) {
    for (const chunk of chunksOf(guidHashes, ROWS_PER_STATEMENT)) {
      const rows = await tx
        .tombstones()
        .select(['guid_hash', 'deleted_at'])
        .where('feed_id', '=', feedId)
        .where('guid_hash', 'in', chunk)
        .execute()
      if (rows.length === 0) continue
      const ofFeed = buried.get(feedId) ?? new Set()
      for (const row of rows) ofFeed.add(row.guid_hash)
      buried.set(feedId, ofFeed)
      const old = rows.filter(row => row.deleted_at < now - STAMP_EVERY_MS)
      await tx.insert(
        'tombstones',
        old.map(row => ({ feed_id: feedId, guid_hash: row.guid_hash, deleted_at: now })),
        { key: ['tenant_id', 'feed_id', 'guid_hash'], replace: ['deleted_at'] },
      )
    }
  }
  return buried
}

/**
 * Drops tombstones that nothing needs any more, a batch at a time, and answers how many: a document that was stored 90 days after the
 * guid was deleted, or last listed, does not list it. Those of a feed that has brought no document since then stay. Stops when the signal aborts, with its reason.
 */
export async function dropOldTombstones(tables: TenantTables, signal: AbortSignal): Promise<number> {
  const oldest = await tables
    .tombstones()
    .select(eb => ['feed_id', eb.fn.min('deleted_at').as('deleted_at')])
    .groupBy('feed_id')
    .execute()
  if (oldest.length === 0) return 0
  const feeds = await tables.feeds().select(['id', 'stored_at']).execute()
  const storedAt = new Map(feeds.map(feed => [feed.id, feed.stored_at ?? 0]))
  let dropped = 0
  for (const { feed_id, deleted_at } of oldest) {
    // A feed that is gone has taken its tombstones along, unless its removal came between the two reads.
    const before = (storedAt.get(feed_id) ?? 0) - LISTED_NO_MORE_MS
    if (Number(deleted_at) >= before) continue
    dropped += await dropBefore(tables, feed_id, before, signal)
  }
  return dropped
}

async function dropBefore(tables: TenantTables, feedId: number, before: number, signal: AbortSignal): Promise<number> {
  for (let dropped = 0; ; ) {
    signal.throwIfAborted()
    const rows = await tables
      .tombstones()
      .select('guid_hash')
      .where('feed_id', '=', feedId)
      .where('deleted_at', '<', before)
      .limit(ROWS_PER_STATEMENT)
      .execute()
    if (rows.length === 0) return dropped
    const gone = await tables
      .remove('tombstones')
      .where('feed_id', '=', feedId)
      .where(
        'guid_hash',
        'in',
        rows.map(row => row.guid_hash),
      )
      .where('deleted_at', '<', before)
      .executeTakeFirst()
    dropped += Number(gone.numDeletedRows)
  }
}
