import type { DocumentPost, FeedDocument } from '../../feeds/document.js'
import { registerSources } from '../../feeds/sources.js'
import { storeDeliveries } from '../../feeds/store.js'
import { addFeeds } from '../../feeds/subscriptions.js'
import { parseFeedUrl } from '../../feeds/urls.js'
import { Failure } from '../../kernel/errors.js'
import { shortHash } from '../../kernel/hash.js'
import type { Catalog } from '../../tenants/catalog.js'
import { parseSlug, parseTenantId, parseTenantName, type TenantId, type TenantSlug } from '../../tenants/ids.js'
import { createTenants } from '../../tenants/provision.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { rotateToken } from '../../tenants/tokens.js'
import { type PublishedPost, postsOf, publisherOf } from '../feed-server/posts.js'
import type { Place } from '../sync/place.js'

const SEED = 61
const ITEM_BYTES = 1_500

/** What is made before anything is asked. */
export interface PopulationShape {
  readonly tenants: number
  readonly feedsPerTenant: number
  readonly postsPerFeed: number
}

/** A tenant that may ask. */
export interface Caller {
  readonly id: TenantId
  readonly slug: TenantSlug
  readonly token: string
}

/** Makes tenants with feeds and posts as a sync would have stored them, in the operator's placement. @throws {Failure} PARTIAL when a tenant could not be made */
export function populate(place: Place, shape: PopulationShape, signal: AbortSignal): Promise<Caller[]> {
  return place.withCatalog(async catalog => {
    const { placement, databasePrefix } = place.config
    const wanted = Array.from({ length: shape.tenants }, (_, n) => {
      const slug = `t${String(n + 1).padStart(5, '0')}`
      return { slug: parseSlug(slug), name: parseTenantName(slug), placement }
    })
    const sources = Array.from({ length: shape.feedsPerTenant }, (_, n) => ({
      url: parseFeedUrl(`http://feeds.example/${n}.xml`),
      document: documentOf(n, shape.postsPerFeed),
    }))
    await registerSources(
      catalog,
      sources.map(({ url }) => url),
    )
    const furnish = (tenant: Tenant) => furnished(catalog, tenant, sources)
    const { failures } = await createTenants(catalog, databasePrefix, wanted, { signal, furnish })
    const [failure] = failures
    if (failure !== undefined) throw new Failure('PARTIAL', `${failures.length} tenants could not be created: ${failure.message}`)
    const ids = await idsOf(catalog)
    const callers: Caller[] = []
    for (const { slug } of wanted) {
      signal.throwIfAborted()
      callers.push({ id: ids.get(slug) as TenantId, slug, token: await rotateToken(catalog, slug) })
    }
    return callers
  })
}

interface Source {
  readonly url: ReturnType<typeof parseFeedUrl>
  readonly document: FeedDocument
}

async function furnished(catalog: Catalog, tenant: Tenant, sources: readonly Source[]): Promise<void> {
  await addFeeds(
    catalog,
    tenant,
    sources.map(({ url }) => ({ url, title: null })),
  )
  await withTenant(catalog, tenant, async tables => {
    const feeds = await tables.feeds().selectAll().orderBy('id').execute()
    const deliveries = feeds.map((feed, n) => ({ feed, version: `v${n}`, document: (sources[n] as Source).document }))
    await storeDeliveries(tables, deliveries, Date.now())
  })
}

async function idsOf(catalog: Catalog): Promise<Map<string, TenantId>> {
  const rows = await catalog.kysely.selectFrom('tenants').select(['id', 'slug']).execute()
  return new Map(rows.map(row => [row.slug, parseTenantId(row.id)]))
}

function documentOf(source: number, items: number): FeedDocument {
  const publisher = publisherOf(SEED, source)
  return {
    format: 'rss',
    title: publisher.title,
    link: publisher.home,
    description: publisher.description,
    language: publisher.language,
    rhythm: { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null },
    notices: [],
    posts: postsOf({ seed: SEED, source, edition: 0, items, itemBytes: ITEM_BYTES }, publisher).map(storable),
  }
}

function storable({ guid, link, title, author, html, ...post }: PublishedPost): DocumentPost {
  return {
    guid,
    guidHash: shortHash(guid),
    contentHash: shortHash(html),
    url: link,
    title,
    author,
    publishedAt: post.publishedMs,
    updatedAt: null,
    content: html,
    categories: post.categories,
    image: null,
    enclosures: post.enclosure === null ? [] : [post.enclosure],
  }
}
