import type { Selectable } from 'kysely'
import { asWriter } from '../tenants/as-writer.js'
import type { FeedsTable } from '../tenants/databases/index.js'
import type { SourceId } from '../tenants/ids.js'
import type { TenantTables } from '../tenants/tables.js'
import type { TenantWriter } from '../tenants/tenant-writer.js'
import { unlinkMedia } from './unlink-media.js'

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
export async function followSource(
  tables: TenantTables,
  feedId: number,
  source: { id: SourceId; url: string },
): Promise<Followed> {
  // As the tenant's writer: a document that is being stored for either feed comes before this, or after.
  const followed = await asWriter(tables, async tx => {
    const feed = await tx.feeds().selectAll().where('id', '=', feedId).executeTakeFirst()
    if (feed === undefined || (feed.source_id === source.id && feed.url === source.url)) return null
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
  return followed ?? 'same'
}

/** What the one that stays has from now on. A feed without a version is taken to have no posts: once it has some, it has the version they are of. */
function inherited(
  feed: Selectable<FeedsTable>,
  other: Selectable<FeedsTable>,
): Pick<FeedsTable, 'title' | 'version' | 'stored_at' | 'keep_days' | 'keep_posts'> {
  const { version, stored_at } = other.version === null ? feed : other
  return {
    title: other.title ?? feed.title,
    version,
    stored_at,
    keep_days: moreGenerous(feed.keep_days, other.keep_days),
    keep_posts: moreGenerous(feed.keep_posts, other.keep_posts),
  }
}

/**
 * A limit under which no post of either feed goes that would have stayed: the larger, and all (0) where one keeps all, or where only one
 * has a limit of its own. What the tenant's is (null), and will be, cannot be compared with it.
 */
function moreGenerous(one: number | null, other: number | null): number | null {
  if (one === other) return one
  return one === null || other === null || one === 0 || other === 0 ? 0 : Math.max(one, other)
}

async function movePosts(tx: TenantWriter, from: number, to: number): Promise<void> {
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
    await unlinkMedia(tx, dropped, Date.now())
    if (dropped.length > 0) await tx.remove('posts').where('id', 'in', dropped).execute()
    after = last.id
  }
}

async function moveTombstones(tx: TenantWriter, from: number, to: number): Promise<void> {
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
  tx: TenantWriter,
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
