import type { Selectable } from 'kysely'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { FeedsTable } from '../tenants/databases/index.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { loadSources, registerSources } from './sources.js'
import { parseFeedUrl } from './urls.js'

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
  /** Why the newest check failed; null when it did not. */
  readonly failure: { readonly code: string; readonly message: string; readonly count: number } | null
}

export interface FeedWish {
  /** As `parseFeedUrl` writes it. */
  readonly url: string
  /** Shown until the feed's own title is known. */
  readonly title: string | null
}

/** Subscribes the tenant to all of these or, on a failure, to none. Those it has already are left alone. Answers how many are new. */
export async function addFeeds(
  catalog: Catalog,
  tenant: Tenant,
  wishes: readonly FeedWish[],
): Promise<{ added: FeedWish[]; existing: FeedWish[] }> {
  if (wishes.length === 0) return { added: [], existing: [] }
  const sources = await registerSources(
    catalog,
    wishes.map(wish => wish.url),
  )
  return withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      await tx.takeIds('feeds', 0)
      const subscribed = new Set((await tx.feeds().select('source_id').execute()).map(row => row.source_id))
      const added: FeedWish[] = []
      const existing: FeedWish[] = []
      for (const wish of wishes) {
        const source = sources.get(wish.url) ?? 0
        ;(subscribed.has(source) ? existing : added).push(wish)
        subscribed.add(source)
      }
      await insertFeeds(tx, added, sources)
      return { added, existing }
    }),
  )
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
      nextCheckAt: source === undefined || source.next_check_at === 0 ? null : source.next_check_at,
      failure: code === null ? null : { code, message: source?.failure_message ?? '', count: source?.failure_count ?? 0 },
    }
  })
}

/** Ends the subscription, named by id or URL, and removes its posts, or nothing. @throws {Failure} FEED_NOT_FOUND */
export function removeFeed(catalog: Catalog, tenant: Tenant, named: string): Promise<{ id: number; url: string; posts: number }> {
  return withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      await tx.takeIds('posts', 0)
      const feed = await findFeed(tx, named)
      if (feed === undefined)
        throw new Failure('FEED_NOT_FOUND', `tenant ${tenant.slug} has no feed ${named}`, {
          hint: `feedctl feed list ${tenant.slug}`,
        })
      const posts = await tx.remove('posts').where('feed_id', '=', feed.id).executeTakeFirst()
      await tx.remove('feeds').where('id', '=', feed.id).execute()
      return { id: feed.id, url: feed.url, posts: Number(posts.numDeletedRows) }
    }),
  )
}

async function findFeed(tables: TenantTables, named: string): Promise<FeedRow | undefined> {
  if (/^\d{1,15}$/.test(named)) return tables.feeds().selectAll().where('id', '=', Number(named)).executeTakeFirst()
  const url = parseFeedUrl(named)
  return tables.feeds().selectAll().where('url', '=', url).executeTakeFirst()
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
      created_at: now,
    }
  })
  await tx.insert('feeds', rows)
}
