import type { Selectable } from 'kysely'
import type { FeedsTable } from '../tenants/databases/index.js'
import type { SourceId } from '../tenants/ids.js'
import type { TenantTables } from '../tenants/tables.js'

const ROWS_PER_STATEMENT = 1_000

/**
 * - `same`: the feed was there already, or is gone.
 * - `rewritten`: it is subscribed to the source now.
 * - `merged`: the tenant has another feed of that source; posts and tombstones have moved to that one, and this feed is removed.
 */
export type Followed = 'same' | 'rewritten' | 'merged'

/**
 * Moves a feed to the source that its own has become, in one transaction. Posts stay with the tenant; of two with the same guid
 * the one stays that the other feed has, and what was deleted there stays deleted.
 */
export function followSource(tables: TenantTables, feedId: number, source: { id: SourceId; url: string }): Promise<Followed> {
  return tables.transaction(async tx => {
    // A document that is being stored for either feed comes before this, or after.
    await tx.takeIds('posts', 0)
    const feed = await tx.feeds().selectAll().where('id', '=', feedId).executeTakeFirst()
    if (feed === undefined || (feed.source_id === source.id && feed.url === source.url)) return 'same'
    const other = await tx.feeds().selectAll().where('source_id', '=', source.id).where('id', '<>', feedId).executeTakeFirst()
    if (other === undefined) {
      await tx.updateFeeds().set({ source_id: source.id, url: source.url }).where('id', '=', feedId).execute()
      return 'rewritten'
    }
    await movePosts(tx, feed.id, other.id)
    await moveTombstones(tx, feed.id, other.id)
    await tx.remove('feeds').where('id', '=', feed.id).execute()
    await tx.updateFeeds().set(inherited(feed, other)).where('id', '=', other.id).execute()
    return 'merged'
  })
}

/** A feed without a version is taken to have no posts: once it has some, it has the version they are of. */
function inherited(
  feed: Selectable<FeedsTable>,
  other: Selectable<FeedsTable>,
): Pick<FeedsTable, 'title' | 'version' | 'stored_at'> {
  const title = other.title ?? feed.title
  return other.version === null
    ? { title, version: feed.version, stored_at: feed.stored_at }
    : { title, version: other.version, stored_at: other.stored_at }
}

async function movePosts(tx: TenantTables, from: number, to: number): Promise<void> {
  for (let after = 0; ; ) {
    const page = await tx
      .posts()
      .select(['id', 'guid_hash'])
      .where('feed_id', '=', from)
      .where('id', '>', after)
      .orderBy('id')
      .limit(ROWS_PER_STATEMENT)
      .execute()
    const last = page.at(-1)
    if (last === undefined) return
    const hashes = page.map(post => post.guid_hash)
    const taken = new Set([...(await guidsIn(tx, 'posts', to, hashes)), ...(await guidsIn(tx, 'tombstones', to, hashes))])
    const moved = page.filter(post => !taken.has(post.guid_hash)).map(post => post.id)
    const dropped = page.filter(post => taken.has(post.guid_hash)).map(post => post.id)
    if (moved.length > 0) await tx.updatePosts().set({ feed_id: to }).where('id', 'in', moved).execute()
    if (dropped.length > 0) await tx.remove('posts').where('id', 'in', dropped).execute()
    after = last.id
  }
}

async function moveTombstones(tx: TenantTables, from: number, to: number): Promise<void> {
  for (let after = ''; ; ) {
    const page = await tx
      .tombstones()
      .select(['guid_hash', 'deleted_at'])
      .where('feed_id', '=', from)
      .where('guid_hash', '>', after)
      .orderBy('guid_hash')
      .limit(ROWS_PER_STATEMENT)
      .execute()
    const last = page.at(-1)
    if (last === undefined) break
    const stored = new Set(
      await guidsIn(
        tx,
        'posts',
        to,
        page.map(row => row.guid_hash),
      ),
    )
    const rows = page.filter(row => !stored.has(row.guid_hash)).map(row => ({ ...row, feed_id: to }))
    await tx.insert('tombstones', rows, 'keep')
    after = last.guid_hash
  }
  await tx.remove('tombstones').where('feed_id', '=', from).execute()
}

async function guidsIn(
  tx: TenantTables,
  table: 'posts' | 'tombstones',
  feedId: number,
  hashes: readonly string[],
): Promise<string[]> {
  const rows =
    table === 'posts'
      ? await tx.posts().select('guid_hash').where('feed_id', '=', feedId).where('guid_hash', 'in', hashes).execute()
      : await tx.tombstones().select('guid_hash').where('feed_id', '=', feedId).where('guid_hash', 'in', hashes).execute()
  return rows.map(row => row.guid_hash)
}
