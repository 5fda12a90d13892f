import type { Insertable } from 'kysely'
import { asWriter } from '../tenants/as-writer.js'
import type { PostsTable } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import type { TenantWriter } from '../tenants/tenant-writer.js'
import { churnAlert, readAlert } from './alert.js'
import { findChurn, looksChurned, postsToCompare } from './churn.js'
import type { DocumentPost, FeedDocument } from './document.js'
import type { FeedRow } from './subscriptions.js'
import { type Buried, findBuried, hasTombstones } from './tombstones.js'

/** A document to store for one feed of a tenant. */
export interface Delivery {
  readonly feed: FeedRow
  readonly version: string
  readonly document: FeedDocument
}

export interface Stored {
  readonly new: number
  readonly updated: number
  /** Entries that are stored or deleted posts under new guids, and were not stored again. */
  readonly held: number
}

type PostRow = Omit<Insertable<PostsTable>, 'tenant_id'>
type KnownPost = Pick<PostRow, 'feed_id' | 'guid_hash' | 'content_hash' | 'id' | 'created_at'>

const NOTHING: Stored = { new: 0, updated: 0, held: 0 }
const NONE_BURIED: Buried = { byGuid: new Set(), underNewGuid: new Set() }
const HASHES_PER_STATEMENT = 1_000

/**
 * Stores the documents' posts in one transaction: new ones are inserted, changed ones replaced, known ones left alone, deleted ones left out, and the feeds'
 * versions set with them. Posts whose guids the publisher changed go on under the new ones, as the same posts. Storing a version twice, or by two writers
 * at once, stores every post once. One result per delivery, in order.
 */
export async function storeDeliveries(tables: TenantTables, deliveries: readonly Delivery[], now: number): Promise<Stored[]> {
  const plans = await asWriter(tables, tx => carryOut(tx, deliveries, now))
  const results = new Map(
    plans?.map(plan => [plan.delivery, { new: plan.fresh.length, updated: plan.changed.length, held: plan.held }]),
  )
  return deliveries.map(delivery => results.get(delivery) ?? NOTHING)
}

/** Null when none of the feeds is there any more. */
async function carryOut(tx: TenantWriter, deliveries: readonly Delivery[], now: number): Promise<Plan[] | null> {
  const feeds = await feedsNow(tx, deliveries)
  if (feeds.size === 0) return null
  const due = deliveries.filter(({ feed, version }) => feeds.has(feed.id) && feeds.get(feed.id)?.version !== version)
  // Of a feed that never had a document nothing is stored, buried or known under another guid.
  const before = due.filter(({ feed }) => feeds.get(feed.id)?.version !== null)
  const known = await knownPosts(tx, before)
  const plans = due.map(delivery => planOf(delivery, known))
  await leaveOutKnown(
    tx,
    plans.filter(plan => before.includes(plan.delivery)),
    feeds,
    now,
  )
  await insertPosts(tx, plans, now)
  await replacePosts(
    tx,
    plans.flatMap(plan => plan.changed.map(({ post, before }) => ({ ...columnsOf(post), ...before, changed_at: now }))),
  )
  await setVersions(tx, plans, feeds, now)
  return plans
}

/** What is to be done with a document's entries, oldest first, so that ids grow with the posts' order in the document. */
interface Plan {
  readonly delivery: Delivery
  fresh: DocumentPost[]
  readonly changed: { post: DocumentPost; before: Pick<KnownPost, 'id' | 'feed_id' | 'created_at'> }[]
  /** Ids of the posts whose guids the document lists. */
  readonly listed: Set<number>
  held: number
}

function planOf(delivery: Delivery, known: ReadonlyMap<string, KnownPost>): Plan {
  const plan: Plan = { delivery, fresh: [], changed: [], listed: new Set(), held: 0 }
  for (const post of delivery.document.posts.toReversed()) {
    const before = known.get(keyOf(delivery.feed.id, post.guidHash))
    if (before !== undefined) plan.listed.add(before.id)
    if (before === undefined) plan.fresh.push(post)
    else if (before.content_hash !== post.contentHash) {
      plan.changed.push({ post, before: { id: before.id, feed_id: before.feed_id, created_at: before.created_at } })
    }
  }
  return plan
}

/** Leaves the entries out that were deleted, or are stored under other guids. */
async function leaveOutKnown(
  tx: TenantWriter,
  plans: readonly Plan[],
  feeds: ReadonlyMap<number, FeedRow>,
  now: number,
): Promise<void> {
  const some = plans.filter(plan => plan.fresh.length > 0)
  const someBuried = some.length > 0 && (await hasTombstones(tx))
  for (const plan of some) {
    const { id } = plan.delivery.feed
    const { byGuid, underNewGuid } = someBuried ? await findBuried(tx, id, plan.fresh, plan.delivery.document, now) : NONE_BURIED
    plan.fresh = plan.fresh.filter(post => !byGuid.has(post))
    await holdChurned(tx, plan, readAlert(feeds.get(id)?.alert ?? null) !== null, underNewGuid)
    plan.fresh = plan.fresh.filter(post => !underNewGuid.has(post))
  }
}

/** Leaves the entries out that are stored under other guids; their posts take over the new ones, and what else has changed. */
async function holdChurned(tx: TenantWriter, plan: Plan, again: boolean, buried: ReadonlySet<DocumentPost>): Promise<void> {
  const { feed, document } = plan.delivery
  const entries = document.posts.length
  if (!looksChurned(entries, plan.fresh.length)) return
  const compared = await postsToCompare(tx, feed.id, entries, plan.listed)
  const churn = findChurn(plan.fresh, compared, { entries, buried, again })
  if (churn === null) return
  for (const [{ id, created_at, content_hash }, post] of churn.known) {
    await tx.updatePosts().set({ guid: post.guid, guid_hash: post.guidHash }).where('id', '=', id).execute()
    if (content_hash !== post.contentHash) plan.changed.push({ post, before: { id, feed_id: feed.id, created_at } })
  }
  const held = new Set([...churn.known.values(), ...churn.others])
  plan.fresh = plan.fresh.filter(post => !held.has(post))
  plan.held = held.size
}

async function insertPosts(tx: TenantWriter, plans: readonly Plan[], now: number): Promise<void> {
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

async function feedsNow(tx: TenantWriter, deliveries: readonly Delivery[]): Promise<Map<number, FeedRow>> {
  const ids = deliveries.map(({ feed }) => feed.id)
  const rows = await tx.feeds().selectAll().where('id', 'in', ids).execute()
  return new Map(rows.map(row => [row.id, row]))
}

/** The posts of these documents that are stored already. */
async function knownPosts(tx: TenantWriter, deliveries: readonly Delivery[]): Promise<Map<string, KnownPost>> {
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

async function replacePosts(tx: TenantWriter, changed: readonly PostRow[]): Promise<void> {
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
  tx: TenantWriter,
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
