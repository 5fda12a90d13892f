import type { Selectable } from 'kysely'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import { contentChanged } from '../tenants/content-version.js'
import type { FeedsTable } from '../tenants/databases/index.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { type FeedAlert, readAlert } from './alert.js'
import { makeDue } from './make-due.js'
import { type SourceState, sourceState } from './source-state.js'
import { dueAt, loadSources, registerSources } from './sources.js'
import { unlinkFeedMedia } from './unlink-media.js'
import { sourceUrl } from './urls.js'

export { followSource } from './follow-source.js'

export type FeedRow = Selectable<FeedsTable>

/** A feed as an operator sees it: the subscription and how its source does. */
export interface FeedView {
  readonly id: number
  readonly url: string
  readonly title: string | null
  readonly sourceId: SourceId
  readonly storedAt: number | null
  readonly checkedAt: number | null
  readonly nextCheckAt: number | null
  /** How its source does; `new` also when that is not in the catalog. */
  readonly state: SourceState
  /** Where its source is redirected for good; null when it is not. */
  readonly movedTo: string | null
  /** Why the newest check failed; null when it did not. */
  readonly failure: { readonly code: string; readonly message: string; readonly count: number } | null
  /** What its newest stored document gave reason to say; null mostly. */
  readonly alert: FeedAlert | null
}

export interface FeedWish {
  /** As `parseFeedUrl` writes it. */
  readonly url: string
  /** Shown until the feed's own title is known. */
  readonly title: string | null
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
): Promise<{ added: FeedWish[]; existing: FeedWish[] }> {
  if (wishes.length === 0) return { added: [], existing: [] }
  const sources = await registerSources(
    catalog,
    wishes.map(wish => wish.url),
  )
  const outcome = await withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      await tx.takeIds('feeds', 0)
      const subscribed = new Set((await tx.feeds().select('source_id').execute()).map(row => row.source_id))
      const before = subscribed.size
      const added: FeedWish[] = []
      const existing: FeedWish[] = []
      for (const wish of wishes) {
        const source = sources.get(wish.url) ?? 0
        ;(subscribed.has(source) ? existing : added).push(wish)
        subscribed.add(source)
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

export async function listFeeds(catalog: Catalog, tenant: Tenant): Promise<FeedView[]> {
  const rows = await withTenant(catalog, tenant, tables => tables.feeds().selectAll().orderBy('id').execute())
  const sources = await loadSources(
    catalog,
    rows.map(row => parseSourceId(row.source_id)),
  )
  return rows.map(row => {
    const source = sources.get(parseSourceId(row.source_id))
    const code = source?.failure_code ?? null
    return {
      id: row.id,
      url: row.url,
      title: row.title,
      sourceId: parseSourceId(row.source_id),
      storedAt: row.stored_at,
      checkedAt: source?.checked_at ?? null,
      nextCheckAt: source === undefined || source.retired_at !== null || dueAt(source) === 0 ? null : dueAt(source),
      state: source === undefined ? 'new' : sourceState(source),
      movedTo: source?.moved_to ?? null,
      failure: code === null ? null : { code, message: source?.failure_message ?? '', count: source?.failure_count ?? 0 },
      alert: readAlert(row.alert),
    }
  })
}

/** Ends the subscription, named by id or URL, and removes its posts, or nothing. @throws {Failure} FEED_NOT_FOUND */
export async function removeFeed(
  catalog: Catalog,
  tenant: Tenant,
  named: string,
): Promise<{ id: number; url: string; posts: number }> {
  const removed = await withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      await tx.takeIds('posts', 0)
      const feed = await getFeed(tx, tenant, named)
      await unlinkFeedMedia(tx, feed.id, Date.now())
      const posts = await tx.remove('posts').where('feed_id', '=', feed.id).executeTakeFirst()
      await tx.remove('tombstones').where('feed_id', '=', feed.id).execute()
      await tx.remove('feeds').where('id', '=', feed.id).execute()
      return { id: feed.id, url: feed.url, posts: Number(posts.numDeletedRows) }
    }),
  )
  await contentChanged(catalog, tenant.id)
  return removed
}

/** The feed of that id or URL. @throws {Failure} FEED_NOT_FOUND */
export async function getFeed(tables: TenantTables, tenant: Tenant, named: string): Promise<FeedRow> {
  const feed = await findFeed(tables, named)
  if (feed !== undefined) return feed
  throw new Failure('FEED_NOT_FOUND', `tenant ${tenant.slug} has no feed ${named.slice(0, 100)}`, {
    hint: `feedctl feed list ${tenant.slug}`,
  })
}

function tooMany(tenant: Tenant, before: number, more: number, maxFeeds: number): Failure {
  const message = `tenant ${tenant.slug} has ${before} feeds and would have ${before + more}: more than ${maxFeeds}`
  return new Failure('FEEDS_TOO_MANY', message, { hint: 'set FEEDCTL_MAX_FEEDS' })
}

async function findFeed(tables: TenantTables, named: string): Promise<FeedRow | undefined> {
  if (/^\d{1,15}$/.test(named)) return tables.feeds().selectAll().where('id', '=', Number(named)).executeTakeFirst()
  const url = sourceUrl(named)
  return url === null ? undefined : tables.feeds().selectAll().where('url', '=', url).executeTakeFirst()
}

async function insertFeeds(tx: TenantTables, wishes: readonly FeedWish[], sources: ReadonlyMap<string, SourceId>): Promise<void> {
  if (wishes.length === 0) return
  const now = Date.now()
  const first = await tx.takeIds('feeds', wishes.length)
  const rows = wishes.map((wish, index) => {
    const source = sources.get(wish.url)
    if (source === undefined) throw new Error(`no source for ${wish.url}`)
    return {
      id: first + index,
      source_id: source as number,
      url: wish.url,
      title: wish.title,
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
