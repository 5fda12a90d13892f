import type { App } from '../../src/app.js'
import { withTenant } from '../../src/tenants/tables.js'
import { listTenants, type Tenant } from '../../src/tenants/tenant.js'
import type { Installation } from './installation.js'

export type Row = Readonly<Record<string, unknown>>

/** Everything stored for one tenant, as it is the same whatever the drivers and the day. */
export interface TenantContent {
  readonly feeds: readonly Row[]
  readonly posts: readonly Row[]
}

/**
 * All rows of feeds and posts by tenant, feeds by URL, posts by feed and then in the order of their ids. Left out is what depends on
 * the order of arrival or the time of the run: `tenant_id`, `source_id`, the ids themselves (a post's place within its feed stays), and
 * `stored_at`, `created_at`, `changed_at`, `sort_at`.
 */
export async function contentOf(installation: Pick<Installation, 'open'>): Promise<Record<string, TenantContent>> {
  await using app = await installation.open()
  const { tenants } = await listTenants(app.catalog, { limit: 10_000 })
  const contents: Record<string, TenantContent> = {}
  for (const tenant of tenants) contents[tenant.slug] = await tenantContent(app, tenant)
  return contents
}

/** Posts stored for the tenants of the installation. */
export async function countPosts(installation: Installation): Promise<number> {
  const contents = Object.values(await contentOf(installation))
  return contents.reduce((sum, { posts }) => sum + posts.length, 0)
}

/** Whether any tenant has a post: much cheaper than to count them. */
export async function hasPosts({ catalog }: App): Promise<boolean> {
  const { tenants } = await listTenants(catalog, { limit: 10_000 })
  for (const tenant of tenants) {
    const post = await withTenant(catalog, tenant, tables => tables.posts().select('id').limit(1).executeTakeFirst())
    if (post !== undefined) return true
  }
  return false
}

function tenantContent(app: App, tenant: Tenant): Promise<TenantContent> {
  return withTenant(app.catalog, tenant, async tables => {
    const feeds = await tables.feeds().selectAll().orderBy('url').execute()
    const posts = await tables.posts().selectAll().orderBy('feed_id').orderBy('id').execute()
    const urls = new Map(feeds.map(feed => [feed.id, feed.url]))
    const places = new Map<number, number>()
    const placed = posts.map(
      ({ tenant_id: _tenant, id: _id, feed_id, created_at: _created, changed_at: _changed, sort_at: _sort, ...post }) => {
        const place = places.get(feed_id) ?? 0
        places.set(feed_id, place + 1)
        return { feed: urls.get(feed_id) ?? 'no feed', place, ...post }
      },
    )
    return {
      feeds: feeds.map(({ url, title, version }) => ({ url, title, version })),
      posts: placed.toSorted((a, b) => a.feed.localeCompare(b.feed) || a.place - b.place),
    }
  })
}
