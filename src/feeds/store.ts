import type { Insertable } from 'kysely'
import type { PostsTable } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import { churnAlert, readAlert } from './alert.js'
import { findChurn, looksChurned, postsToCompare } from './churn.js'
import type { DocumentPost, FeedDocument } from './document.js'
import type { FeedRow } from './subscriptions.js'
import { buriedGuids } from './tombstones.js'

/** A document to store for one feed of a tenant. */
export interface Delivery {
  readonly feed: FeedRow
  readonly version: string
  readonly document: FeedDocument
}

export interface Stored {
  readonly new: number
  readonly updated: number
  /** Entries that are stored posts under new guids, and were not stored again. */
  readonly held: number
}

type PostRow = Omit<Insertable<PostsTable>, 'tenant_id'>
type KnownPost = Pick<PostRow, 'feed_id' | 'guid_hash' | 'content_hash' | 'id' | 'created_at'>

const NOTHING: Stored = { new: 0, updated: 0, held: 0 }
const HASHES_PER_STATEMENT = 1_000

/**
 * Stores the documents' posts in one transaction: new ones are inserted, changed ones replaced, known ones left alone, deleted ones left out, and the feeds'
 * versions set with them. Posts whose guids the publisher changed go on under the new ones. Storing a version twice, or by two writers
 * at once, stores every post once. One result per delivery, in order.
 */
export function storeDeliveries(tables: TenantTables, deliveries: readonly Delivery[], now: number): Promise<Stored[]> {
  return tables.transaction(async tx => {
    // Takes the tenant's writer lock, so that what is read next stays true until the end.
    await tx.takeIds('posts', 0)
    const feeds = await feedsNow(tx, deliveries)
    const due = deliveries.filter(({ feed, version }) => feeds.has(feed.id) && feeds.get(feed.id)?.version !== version)
    // Of a feed that never had a document nothing is stored, buried or known under another guid.
    const before = due.filter(({ feed }) => feeds.get(feed.id)?.version !== null)
    const known = await knownPosts(tx, before)
    const plans = due.map(delivery => planOf(delivery, known))
    const planned = plans.filter(plan => before.includes(plan.delivery))
    await leaveOutBuried(tx, planned, now)
    for (const plan of planned) await holdChurned(tx, plan, feeds)
    await insertPosts(tx, plans, now)
    await replacePosts(
      tx,
      plans.flatMap(plan => plan.changed.map(({ post, before }) => ({ ...columnsOf(post), ...before, changed_at: now }))),
    )
    await setVersions(tx, plans, feeds, now)
    const results = new Map(
      plans.map(plan => [plan.delivery, { new: plan.fresh.length, updated: plan.changed.length, held: plan.held }]),
    )
    return deliveries.map(delivery => results.get(delivery) ?? NOTHING)
  })
}

/** What is to be done with a document's entries, oldest first, so that ids grow with the posts' order in the document. */
interface Plan {
  readonly delivery: Delivery
  fresh: DocumentPost[]
  readonly changed: { post: DocumentPost; before: Pick<KnownPost, 'id' | 'feed_id' | 'created_at'> }[]
  held: number
}

function planOf(delivery: Delivery, known: ReadonlyMap<string, KnownPost>): Plan {
  const plan: Plan = { delivery, fresh: [], changed: [], held: 0 }
  for (const post of delivery.document.posts.toReversed()) {
    const before = known.get(keyOf(delivery.feed.id, post.guidHash))
    if (before === undefined) plan.fresh.push(post)
    else if (before.content_hash !== post.contentHash) {
      plan.changed.push({ post, before: { id: before.id, feed_id: before.feed_id, created_at: before.created_at } })
    }
  }
  return plan
}

async function leaveOutBuried(tx: TenantTables, plans: readonly Plan[], now: number): Promise<void> {
  const listed = plans
    .filter(plan => plan.fresh.length > 0)
    .map(plan => ({ feedId: plan.delivery.feed.id, guidHashes: plan.fresh.map(post => post.guidHash) }))
  const buried = await buriedGuids(tx, listed, now)
  for (const plan of plans) {
    const ofFeed = buried.get(plan.delivery.feed.id)
    if (ofFeed !== undefined) plan.fresh = plan.fresh.filter(post => !ofFeed.has(post.guidHash))
  }
}

/** Leaves the entries out that are stored under other guids; their posts take over the new ones, and nothing else. */
async function holdChurned(tx: TenantTables, plan: Plan, feeds: ReadonlyMap<number, FeedRow>): Promise<void> {
  const { feed, document } = plan.delivery
  if (!looksChurned(document.posts.length, plan.fresh.length)) return
  const posts = await postsToCompare(tx, feed.id, document.posts.length)
  const churn = findChurn(plan.fresh, posts, readAlert(feeds.get(feed.id)?.alert ?? null) !== null)
  if (churn === null) return
  for (const [id, entry] of churn.known) {
    await tx.updatePosts().set({ guid: entry.guid, guid_hash: entry.guidHash }).where('id', '=', id).execute()
  }
  plan.fresh = plan.fresh.filter(post => !churn.held.has(post))
  plan.held = churn.held.size
}

async function insertPosts(tx: TenantTables, plans: readonly Plan[], now: number): Promise<void> {
  const count = plans.reduce((sum, plan) => sum + plan.fresh.length, 0)
  if (count === 0) return
  let id = await tx.takeIds('posts', count)
  const rows = plans.flatMap(({ delivery, fresh }) =>
    fresh.map(post => ({ id: id++, ...columnsOf(post), feed_id: delivery.feed.id, created_at: now, changed_at: now })),
  )
  await tx.insert('posts', rows)
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
    image: post.image,
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
      'image',
      'enclosures',
      'changed_at',
    ],
  })
}

async function setVersions(
  tx: TenantTables,
  plans: readonly Plan[],
  feeds: ReadonlyMap<number, FeedRow>,
  now: number,
): Promise<void> {
  const rows = plans.flatMap(({ delivery: { feed, version, document }, held }) => {
    const row = feeds.get(feed.id)
    if (row === undefined) return []
    const { tenant_id: _tenant, ...own } = row
    const alert = held === 0 ? null : churnAlert(held, document.posts.length, now)
    return [{ ...own, title: document.title === '' ? own.title : document.title, version, stored_at: now, alert }]
  })
  await tx.insert('feeds', rows, { key: ['tenant_id', 'id'], replace: ['title', 'version', 'stored_at', 'alert'] })
}

function keyOf(feedId: number, guidHash: string): string {
  return `${feedId}:${guidHash}`
}
