import type { Selectable } from 'kysely'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import { contentChanged } from '../tenants/content-version.js'
import type { FeedsTable } from '../tenants/databases/index.js'
import type { SourceId } from '../tenants/ids.js'
import { noteLeft } from '../tenants/source-readers.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { TenantRows } from '../tenants/tenant-rows.js'
import type { TenantWriter } from '../tenants/tenant-writer.js'
import { makeDue } from './make-due.js'
import { registerSources } from './sources.js'
import { unlinkFeedMedia } from './unlink-media.js'
import { sourceUrl } from './urls.js'

export { type FeedView, listFeeds } from './feed-views.js'
export { followSource } from './follow-source.js'

export type FeedRow = Selectable<FeedsTable>

export interface FeedWish {
  /** As `parseFeedUrl` writes it. */
  readonly url: string
  /** Shown until the feed's own title is known. */
  readonly title: string | null
}

/** A wish and the feed that it became, or was already. */
export interface Subscribed extends FeedWish {
  readonly id: number
}

/**
 * Subscribes the tenant to all of these or, on a failure, to none. Those it has already are left alone. Answers which are new.
 * @throws {Failure} FEEDS_TOO_MANY when the tenant would have more than `maxFeeds` (any number, when it is not given)
 */
export async function addFeeds(
  catalog: Catalog,
  tenant: Tenant,
  wishes: readonly FeedWish[],
  { maxFeeds = Number.POSITIVE_INFINITY }: { readonly maxFeeds?: number } = {},
): Promise<{ added: Subscribed[]; existing: Subscribed[] }> {
  if (wishes.length === 0) return { added: [], existing: [] }
  const sources = await registerSources(
    catalog,
    wishes.map(wish => wish.url),
  )
  const outcome = await withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      const first = await tx.takeIds('feeds', 0)
      const subscribed = new Map((await tx.feeds().select(['source_id', 'id']).execute()).map(row => [row.source_id, row.id]))
      const before = subscribed.size
      const added: Subscribed[] = []
      const existing: Subscribed[] = []
      for (const wish of wishes) {
        const source = sources.get(wish.url) ?? 0
        const known = subscribed.get(source)
        const id = known ?? first + added.length
        ;(known === undefined ? added : existing).push({ ...wish, id })
        subscribed.set(source, id)
      }
      if (added.length > 0 && before + added.length > maxFeeds) throw tooMany(tenant, before, added.length, maxFeeds)
      await insertFeeds(tx, added, sources)
      return { added, existing }
    }),
  )
  // One that is being made has never been synced, and is due by itself.
  if (tenant.state !== 'provisioning') await makeDue(catalog, tenant.id)
  return outcome
}

/**
 * Ends the subscription, named by id or URL, and removes its posts, or nothing. Where only the telling failed it is removed, and told of when it is removed
 * again. @throws {Failure} FEED_NOT_FOUND
 */
export async function removeFeed(
  catalog: Catalog,
  tenant: Tenant,
  named: string,
): Promise<{ id: number; url: string; posts: number }> {
  const removed = await withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      await tx.takeIds('posts', 0)
      const feed = await findFeed(tx, named)
      if (feed === undefined) return null
      await unlinkFeedMedia(tx, feed.id, Date.now())
      const posts = await tx.remove('posts').where('feed_id', '=', feed.id).executeTakeFirst()
      await tx.remove('tombstones').where('feed_id', '=', feed.id).execute()
      await tx.remove('feeds').where('id', '=', feed.id).execute()
      return { id: feed.id, url: feed.url, posts: Number(posts.numDeletedRows), source: feed.source_id }
    }),
  )
  // Also of one that is not there: it may have been removed before, and nobody told.
  await contentChanged(catalog, tenant.id)
  if (removed === null) throw noFeed(tenant, named)
  const { source, ...feed } = removed
  await noteLeft(catalog, [source])
  return feed
}

/** The feed of that id or URL. @throws {Failure} FEED_NOT_FOUND */
export async function getFeed(tables: TenantRows, tenant: Tenant, named: string): Promise<FeedRow> {
  const feed = await findFeed(tables, named)
  if (feed === undefined) throw noFeed(tenant, named)
  return feed
}

function noFeed(tenant: Tenant, named: string): Failure {
  return new Failure('FEED_NOT_FOUND', `tenant ${tenant.slug} has no feed ${named.slice(0, 100)}`, {
    hint: `feedctl feed list ${tenant.slug}`,
  })
}

function tooMany(tenant: Tenant, before: number, more: number, maxFeeds: number): Failure {
  const message = `tenant ${tenant.slug} has ${before} feeds and would have ${before + more}: more than ${maxFeeds}`
  return new Failure('FEEDS_TOO_MANY', message, { hint: 'set FEEDCTL_MAX_FEEDS' })
}

async function findFeed(tables: TenantRows, named: string): Promise<FeedRow | undefined> {
  if (/^\d{1,15}$/.test(named)) return tables.feeds().selectAll().where('id', '=', Number(named)).executeTakeFirst()
  const url = sourceUrl(named)
  return url === null ? undefined : tables.feeds().selectAll().where('url', '=', url).executeTakeFirst()
}

/** The ids are the next ones of the tenant's sequence. */
async function insertFeeds(
  tx: TenantWriter,
  feeds: readonly Subscribed[],
  sources: ReadonlyMap<string, SourceId>,
): Promise<void> {
  if (feeds.length === 0) return
  const now = Date.now()
  await tx.passIds('feeds', feeds.length)
  const rows = feeds.map(({ id, url, title }) => {
    const source = sources.get(url)
    if (source === undefined) throw new Error(`no source for ${url}`)
    return {
      id,
      source_id: source as number,
      url,
      title,
      version: null,
      stored_at: null,
      keep_days: null,
      keep_posts: null,
      alert: null,
      created_at: now,
    }
  })
  await tx.insert('feeds', rows)
}
