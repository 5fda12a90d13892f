import type { PostsTable } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import type { DocumentPost, FeedDocument } from './document.js'
import type { FeedRow } from './subscriptions.js'

/** A document to store for one feed of a tenant. */
export interface Delivery {
  readonly feed: FeedRow
  readonly version: string
  readonly document: FeedDocument
}

export interface Stored {
  readonly new: number
  readonly updated: number
}

type PostRow = Omit<PostsTable, 'tenant_id'>
type KnownPost = Pick<PostRow, 'feed_id' | 'guid_hash' | 'content_hash' | 'id' | 'created_at'>

const NOTHING: Stored = { new: 0, updated: 0 }
const HASHES_PER_STATEMENT = 1_000

/**
 * Stores the documents' posts in one transaction: new ones are inserted, changed ones replaced, known ones left alone, and the feeds'
 * versions set with them. Storing a version twice, or by two writers at once, stores every post once. One result per delivery, in order.
 */
export function storeDeliveries(tables: TenantTables, deliveries: readonly Delivery[], now: number): Promise<Stored[]> {
  return tables.transaction(async tx => {
    // Takes the tenant's writer lock, so that what is read next stays true until the end.
    await tx.takeIds('posts', 0)
    const feeds = await feedsNow(tx, deliveries)
    const due = deliveries.filter(({ feed, version }) => feeds.has(feed.id) && feeds.get(feed.id)?.version !== version)
    const known = await knownPosts(
      tx,
      due.filter(({ feed }) => feeds.get(feed.id)?.version !== null),
    )
    const plans = due.map(delivery => planOf(delivery, known, now))
    const fresh = plans.flatMap(plan => plan.fresh)
    if (fresh.length > 0) {
      let id = await tx.takeIds('posts', fresh.length)
      await tx.insert(
        'posts',
        fresh.map(post => ({ id: id++, ...post })),
      )
    }
    await replacePosts(
      tx,
      plans.flatMap(plan => plan.changed),
    )
    await setVersions(tx, due, feeds, now)
    const stored = new Map(due.map((delivery, index) => [delivery, plans[index]]))
    return deliveries.map(delivery => {
      const plan = stored.get(delivery)
      return plan === undefined ? NOTHING : { new: plan.fresh.length, updated: plan.changed.length }
    })
  })
}

interface Plan {
  readonly fresh: Omit<PostRow, 'id'>[]
  readonly changed: PostRow[]
}

/** Oldest first, so that ids grow with the posts' order in the document. */
function planOf({ feed, document }: Delivery, known: ReadonlyMap<string, KnownPost>, now: number): Plan {
  const plan: Plan = { fresh: [], changed: [] }
  for (const post of document.posts.toReversed()) {
    const before = known.get(keyOf(feed.id, post.guidHash))
    if (before === undefined) plan.fresh.push({ ...columnsOf(post), feed_id: feed.id, created_at: now, changed_at: now })
    else if (before.content_hash !== post.contentHash) {
      plan.changed.push({ ...columnsOf(post), id: before.id, feed_id: feed.id, created_at: before.created_at, changed_at: now })
    }
  }
  return plan
}

function columnsOf(post: DocumentPost): Omit<PostRow, 'id' | 'feed_id' | 'created_at' | 'changed_at'> {
  return {
    guid: post.guid,
    guid_hash: post.guidHash,
    content_hash: post.contentHash,
    url: post.url,
    title: post.title,
    author: post.author,
    published_at: post.publishedAt,
    updated_at: post.updatedAt,
    content: post.content,
    categories: JSON.stringify(post.categories),
    enclosures: JSON.stringify(post.enclosures),
  }
}

async function feedsNow(tx: TenantTables, deliveries: readonly Delivery[]): Promise<Map<number, FeedRow>> {
  const ids = deliveries.map(({ feed }) => feed.id)
  const rows = await tx.feeds().selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map(row => [row.id, row]))
}

/** The posts of these documents that are stored already. */
async function knownPosts(tx: TenantTables, deliveries: readonly Delivery[]): Promise<Map<string, KnownPost>> {
  const known = new Map<string, KnownPost>()
  for (const { feed, document } of deliveries) {
    for (let start = 0; start < document.posts.length; start += HASHES_PER_STATEMENT) {
      const hashes = document.posts.slice(start, start + HASHES_PER_STATEMENT).map(post => post.guidHash)
      const rows = await tx
        .posts()
        .select(['feed_id', 'guid_hash', 'content_hash', 'id', 'created_at'])
        .where('feed_id', '=', feed.id)
        .where('guid_hash', 'in', hashes)
        .execute()
      for (const row of rows) known.set(keyOf(row.feed_id, row.guid_hash), row)
    }
  }
  return known
}

async function replacePosts(tx: TenantTables, changed: readonly PostRow[]): Promise<void> {
  await tx.insert('posts', changed, {
    key: ['tenant_id', 'id'],
    replace: [
      'content_hash',
      'url',
      'title',
      'author',
      'published_at',
      'updated_at',
      'content',
      'categories',
      'enclosures',
      'changed_at',
    ],
  })
}

async function setVersions(
  tx: TenantTables,
  due: readonly Delivery[],
  feeds: ReadonlyMap<number, FeedRow>,
  now: number,
): Promise<void> {
  const rows = due.flatMap(({ feed, version, document }) => {
    const row = feeds.get(feed.id)
    if (row === undefined) return []
    const { tenant_id: _tenant, ...own } = row
    return [{ ...own, title: document.title === '' ? own.title : document.title, version, stored_at: now }]
  })
  await tx.insert('feeds', rows, { key: ['tenant_id', 'id'], replace: ['title', 'version', 'stored_at'] })
}

function keyOf(feedId: number, guidHash: string): string {
  return `${feedId}:${guidHash}`
}
