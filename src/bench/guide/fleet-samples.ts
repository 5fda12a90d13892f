import type { FeedDocument } from '../../feeds/document.js'
import { registerSources } from '../../feeds/sources.js'
import { storeDeliveries } from '../../feeds/store.js'
import { addFeeds } from '../../feeds/subscriptions.js'
import { shortHash } from '../../kernel/hash.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { TenantSlug } from '../../tenants/ids.js'
import { withTenant } from '../../tenants/tables.js'
import { getTenant } from '../../tenants/tenant.js'
import type { Target } from '../api/connection.js'
import { LIST_PATH } from '../api/load.js'
import { askOnce } from '../api/real-answer.js'

const POSTS = 3
/** Nobody listens there, and nobody is to ask: the source is not due before long. */
const NOWHERE = 'http://127.0.0.1:9'
const LATER_MS = 365 * 86_400_000

/** Gives a tenant a feed with posts whose titles name the tenant, as a sync would have stored them. */
export async function furnishSample(catalog: Catalog, slug: TenantSlug): Promise<void> {
  const tenant = await getTenant(catalog, slug)
  const url = `${NOWHERE}/${slug}.xml`
  const ids = await registerSources(catalog, [url])
  await catalog.kysely
    .updateTable('sources')
    .set({ next_check_at: Date.now() + LATER_MS })
    .where('id', 'in', [...ids.values()])
    .execute()
  await addFeeds(catalog, tenant, [{ url, title: null }])
  await withTenant(catalog, tenant, async tables => {
    const feeds = await tables.feeds().selectAll().execute()
    const deliveries = feeds.map(feed => ({ feed, version: 'v0', document: documentOf(slug) }))
    await storeDeliveries(tables, deliveries, Date.now())
  })
}

/** Why the tenant is not shown its own posts and nothing else; null when it is. @throws {Error} when nobody answers */
export async function wrongAnswer(target: Target, slug: TenantSlug, token: string): Promise<string | null> {
  const { status, body } = await askOnce(target, LIST_PATH, token)
  if (status !== 200) return `${slug} is answered with ${status}`
  const titles = (JSON.parse(body.toString()) as { posts: { title: string }[] }).posts.map(({ title }) => title).sort()
  const own = titlesOf(slug)
  const foreign = titles.find(title => !own.includes(title))
  if (foreign !== undefined) return `${slug} is shown a post of another: ${foreign}`
  return titles.join() === own.join() ? null : `${slug} is shown ${titles.length} of its ${POSTS} posts`
}

function titlesOf(slug: TenantSlug): string[] {
  return Array.from({ length: POSTS }, (_, n) => `Post ${n + 1} of ${slug}`)
}

function documentOf(slug: TenantSlug): FeedDocument {
  const posts = titlesOf(slug).map((title, n) => ({
    guid: `${slug}/${n}`,
    guidHash: shortHash(`${slug}/${n}`),
    contentHash: shortHash(title),
    url: `${NOWHERE}/${slug}/${n}`,
    title,
    author: null,
    publishedAt: n * 60_000,
    updatedAt: null,
    content: `<p>${title}</p>`,
    categories: [],
    image: null,
    enclosures: [],
  }))
  const rhythm = { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null }
  return { format: 'rss', title: slug, link: null, description: null, language: null, rhythm, notices: [], posts }
}
