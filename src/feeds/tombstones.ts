import { chunksOf } from '../kernel/chunks.js'
import { shortHash } from '../kernel/hash.js'
import { asWriter } from '../tenants/as-writer.js'
import type { TenantTables } from '../tenants/tables.js'
import type { TenantWriter } from '../tenants/tenant-writer.js'
import { tally } from './churn.js'
import type { DocumentPost, FeedDocument } from './document.js'
import type { AgedPost } from './expiry.js'
import { unlinkMedia } from './unlink-media.js'

const DAY_MS = 86_400_000
/** How long a feed must not have listed a guid before its tombstone goes. */
const LISTED_NO_MORE_MS = 90 * DAY_MS
/** A tombstone of a guid that is still listed is stamped anew when its stamp is older, and not at every document. */
const STAMP_EVERY_MS = 30 * DAY_MS
const ROWS_PER_STATEMENT = 1_000

/** What a deleted post is recognised by, besides its guid. */
type Recognisable = Pick<DocumentPost, 'url' | 'title' | 'publishedAt' | 'contentHash'>

/** Entries that are deleted posts: by their guids, or under new ones. */
export interface Buried {
  readonly byGuid: ReadonlySet<DocumentPost>
  readonly underNewGuid: ReadonlySet<DocumentPost>
}

/**
 * Deletes posts for good, in one transaction: no document brings them back, under whatever guid. `goes` has the last word on each. Answers how many
 * there were. A large number of ids holds up the tenant's other writers: pass a thousand or so at a time.
 */
export async function deletePosts(
  tables: TenantTables,
  ids: readonly number[],
  now: number,
  goes: (post: AgedPost) => boolean = () => true,
): Promise<number> {
  // As the tenant's writer: a document that is being stored sees these posts, or their tombstones.
  const deleted = await asWriter(tables, async tx => {
    if ((await tx.feeds().select('id').limit(1).executeTakeFirst()) === undefined) return null
    let count = 0
    for (const chunk of chunksOf(ids, ROWS_PER_STATEMENT)) count += await deleteChunk(tx, chunk, now, goes)
    return count
  })
  return deleted ?? 0
}

async function deleteChunk(
  tx: TenantWriter,
  ids: readonly number[],
  now: number,
  goes: (post: AgedPost) => boolean,
): Promise<number> {
  const rows = await tx
    .posts()
    .select(['id', 'feed_id', 'guid_hash', 'content_hash', 'url', 'title', 'published_at', 'sort_at'])
    .where('id', 'in', ids)
    .execute()
  const posts = rows.filter(goes)
  if (posts.length === 0) return 0
  const tombstones = posts.flatMap(post => {
    const mark = markOf({ ...post, publishedAt: post.published_at, contentHash: post.content_hash })
    const hashes = mark === null ? [post.guid_hash] : [post.guid_hash, mark]
    return hashes.map(guid_hash => ({ feed_id: post.feed_id, guid_hash, deleted_at: now }))
  })
  await tx.insert('tombstones', tombstones, { key: ['tenant_id', 'feed_id', 'guid_hash'], replace: ['deleted_at'] })
  const gone = posts.map(post => post.id)
  await unlinkMedia(tx, gone, now)
  await tx.remove('posts').where('id', 'in', gone).execute()
  return gone.length
}

/**
 * The key of a post's second tombstone, in the form and the place of a guid's hash. It has the date in it, so that a post of next week under the same
 * link and title is another; null for a post that has neither link nor date, of which many feeds have several alike.
 */
function markOf({ url, title, publishedAt, contentHash }: Recognisable): string | null {
  if (url === null && publishedAt === null) return null
  return shortHash(JSON.stringify(url === null || publishedAt === null ? [contentHash, publishedAt] : [url, title, publishedAt]))
}

/** Whether anything of the tenant was deleted: mostly nothing was, and there is nothing to look for. */
export async function hasTombstones(tx: TenantWriter): Promise<boolean> {
  return (await tx.tombstones().select('feed_id').limit(1).executeTakeFirst()) !== undefined
}

/**
 * Which of these entries of a document that is being stored for the feed are deleted posts. They are noted as listed still.
 * An undated one under a link that the document has several times is only known by its guid.
 */
export async function findBuried(
  tx: TenantWriter,
  feedId: number,
  entries: readonly DocumentPost[],
  { posts }: Pick<FeedDocument, 'posts'>,
  now: number,
): Promise<Buried> {
  const links = tally(posts.map(post => post.url))
  const marks = new Map<DocumentPost, string>()
  for (const entry of entries) {
    const mark = entry.publishedAt !== null || links.get(entry.url) === 1 ? markOf(entry) : null
    if (mark !== null) marks.set(entry, mark)
  }
  const found = await standing(tx, feedId, [...entries.map(entry => entry.guidHash), ...marks.values()], now)
  const byGuid = new Set(entries.filter(entry => found.has(entry.guidHash)))
  const underNewGuid = new Set(entries.filter(entry => !byGuid.has(entry) && found.has(marks.get(entry) ?? '')))
  return { byGuid, underNewGuid }
}

/** The hashes that have tombstones, which are stamped. */
async function standing(tx: TenantWriter, feedId: number, hashes: readonly string[], now: number): Promise<Set<string>> {
  const found = new Set<string>()
  for (const chunk of chunksOf(hashes, ROWS_PER_STATEMENT)) {
    const rows = await tx
      .tombstones()
      .select(['guid_hash', 'deleted_at'])
      .where('feed_id', '=', feedId)
      .where('guid_hash', 'in', chunk)
      .execute()
    for (const row of rows) found.add(row.guid_hash)
    const old = rows.filter(row => row.deleted_at < now - STAMP_EVERY_MS)
    await tx.insert(
      'tombstones',
      old.map(row => ({ feed_id: feedId, guid_hash: row.guid_hash, deleted_at: now })),
      { key: ['tenant_id', 'feed_id', 'guid_hash'], replace: ['deleted_at'] },
    )
  }
  return found
}

/**
 * Drops tombstones that nothing needs any more, a batch at a time, and answers how many: a document that was stored 90 days after the
 * post was deleted, or last listed, does not list it. Those of a feed that has brought no document since then stay. Stops when the signal aborts, with its reason.
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
    const hashes = rows.map(row => row.guid_hash)
    const gone = await tables.transaction(tx =>
      tx
        .remove('tombstones')
        .where('feed_id', '=', feedId)
        .where('guid_hash', 'in', hashes)
        .where('deleted_at', '<', before)
        .executeTakeFirst(),
    )
    dropped += Number(gone.numDeletedRows)
  }
}
