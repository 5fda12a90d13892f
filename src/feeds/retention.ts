import { setImmediate } from 'node:timers/promises'
import type { Catalog } from '../tenants/catalog.js'
import { ContentNews } from '../tenants/content-version.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { type AgingFeed, Expiry } from './expiry.js'
import { oldestOfNewest, postPages } from './post-order.js'
import { policyOf, type RetentionPolicy } from './retention-policy.js'
import { deletePosts, dropOldTombstones } from './tombstones.js'

/** Posts of one transaction: syncs of the tenant wait for tens of milliseconds, not more. */
const POSTS_PER_BATCH = 500

export interface PruneOptions {
  /** What counts where neither tenant nor feed says anything. */
  readonly settings: RetentionPolicy
  /** Counts what would go, and deletes nothing. */
  readonly dryRun?: boolean
  readonly now?: number
  readonly signal: AbortSignal
  /** Called after every batch with the posts that are gone since the last call. */
  readonly gone?: (posts: number) => void
}

export interface Pruned {
  readonly posts: number
  /** Tombstones that were dropped because no document lists their guids any more. */
  readonly tombstones: number
}

/**
 * Deletes the tenant's posts that are too old or too many, the oldest first, in small transactions; documents do not bring them back.
 * Several at once, in any process, delete what one would. Killed at any point, the next call goes on. @throws the signal's reason after the batch that is under way; {Failure} UNAVAILABLE
 */
export async function pruneTenant(parts: { readonly catalog: Catalog }, tenant: Tenant, options: PruneOptions): Promise<Pruned> {
  const now = options.now ?? Date.now()
  const news = new ContentNews(parts.catalog, tenant.id)
  const prune = async (tables: TenantTables) => {
    const expiry = new Expiry(await agingFeeds(tables, tenant, options), now)
    let posts = 0
    if (!expiry.takesNothing) {
      for await (const ids of batchesOf(expiredPosts(tables, expiry))) {
        options.signal.throwIfAborted()
        // Asked again under the lock: a post may have become newer, or another feed's, since it was read.
        const gone = options.dryRun === true ? ids.length : await deletePosts(tables, ids, now, post => expiry.takes(post))
        posts += gone
        if (gone > 0 && options.dryRun !== true) news.add()
        options.gone?.(gone)
        // SQLite works in this thread: signals and timers get their turn here.
        await setImmediate()
      }
    }
    options.signal.throwIfAborted()
    return { posts, tombstones: options.dryRun === true ? 0 : await dropOldTombstones(tables, options.signal) }
  }
  try {
    return await withTenant(parts.catalog, tenant, prune)
  } finally {
    await news.tell()
  }
}

async function agingFeeds(tables: TenantTables, tenant: Tenant, { settings, signal }: PruneOptions): Promise<AgingFeed[]> {
  const rows = await tables.feeds().select(['id', 'keep_days', 'keep_posts']).execute()
  const feeds = rows.map(row => ({ id: row.id, policy: policyOf(settings, tenant, row) }))
  const counted = feeds.filter(feed => feed.policy.keepPosts > 0)
  const counts = counted.length > 0 ? await countPosts(tables) : new Map<number, number>()
  const tooMany = counted.filter(({ id, policy }) => (counts.get(id) ?? 0) > policy.keepPosts)
  const kept = new Map(tooMany.map(({ id, policy }) => [id, policy.keepPosts]))
  const oldestKept = await oldestOfNewest(tables, kept, signal)
  return feeds.map(feed => ({ ...feed, oldestKept: oldestKept.get(feed.id) ?? null }))
}

async function countPosts(tables: TenantTables): Promise<Map<number, number>> {
  const rows = await tables
    .posts()
    .select(eb => ['feed_id', eb.fn.countAll<number>().as('posts')])
    .groupBy('feed_id')
    .execute()
  return new Map(rows.map(row => [row.feed_id, Number(row.posts)]))
}

/** Ids of what goes, the oldest first. */
async function* expiredPosts(tables: TenantTables, expiry: Expiry): AsyncGenerator<number> {
  for await (const page of postPages(tables, 'asc')) {
    for (const post of page) {
      if (expiry.enough(post)) return
      if (expiry.takes(post)) yield post.id
    }
  }
}

async function* batchesOf(ids: AsyncIterable<number>): AsyncGenerator<number[]> {
  let batch: number[] = []
  for await (const id of ids) {
    batch.push(id)
    if (batch.length < POSTS_PER_BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
