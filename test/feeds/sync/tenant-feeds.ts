import type { DocumentPost, FeedDocument } from '../../../src/feeds/document.js'
import { type Stored, storeDeliveries } from '../../../src/feeds/store.js'
import { addFeeds, type FeedRow } from '../../../src/feeds/subscriptions.js'
import { shortHash } from '../../../src/kernel/hash.js'
import type { Catalog } from '../../../src/tenants/catalog.js'
import { type TenantTables, withTenant } from '../../../src/tenants/tables.js'
import type { Tenant } from '../../../src/tenants/tenant.js'

export const DAY_MS = 86_400_000

export function post(guid: string, own: Partial<DocumentPost> = {}): DocumentPost {
  const words = own.title ?? guid
  return {
    guid,
    guidHash: shortHash(guid),
    contentHash: shortHash(`${words} ${own.url ?? ''} ${own.content ?? ''}`),
    url: `https://example.org/${encodeURIComponent(guid)}`,
    title: words,
    author: null,
    publishedAt: null,
    updatedAt: null,
    content: `<p>${words}</p>`,
    categories: [],
    image: null,
    enclosures: [],
    ...own,
  }
}

export function documentOf(posts: readonly DocumentPost[], title = 'Example'): FeedDocument {
  const rhythm = { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null }
  return { format: 'rss', title, link: null, description: null, language: null, rhythm, notices: [], posts }
}

/** The feeds of one tenant under test, by their place from 0. */
export class TenantFeeds {
  private versions = 0

  private constructor(
    readonly catalog: Catalog,
    readonly tenant: Tenant,
  ) {}

  static async of(catalog: Catalog, tenant: Tenant, count = 1): Promise<TenantFeeds> {
    const wishes = Array.from({ length: count }, (_, n) => ({ url: `https://${tenant.slug}.example/${n}.xml`, title: null }))
    await addFeeds(catalog, tenant, wishes)
    return new TenantFeeds(catalog, tenant)
  }

  on<T>(deed: (tables: TenantTables) => Promise<T>): Promise<T> {
    return withTenant(this.catalog, this.tenant, deed)
  }

  rows(): Promise<FeedRow[]> {
    return this.on(tables => tables.feeds().selectAll().orderBy('id').execute())
  }

  async feed(place = 0): Promise<FeedRow> {
    const feed = (await this.rows())[place]
    if (feed === undefined) throw new Error(`${this.tenant.slug} has no feed at ${place}`)
    return feed
  }

  /** Stores a document of these posts, of a version of its own, at the time. */
  async store(posts: readonly DocumentPost[], now: number, place = 0): Promise<Stored | undefined> {
    const delivery = { feed: await this.feed(place), version: shortHash(`v${++this.versions}`), document: documentOf(posts) }
    return (await this.on(tables => storeDeliveries(tables, [delivery], now)))[0]
  }

  posts() {
    return this.on(tables => tables.posts().selectAll().orderBy('id').execute())
  }

  async guids(place = 0): Promise<string[]> {
    const { id } = await this.feed(place)
    return (await this.posts()).filter(row => row.feed_id === id).map(row => row.guid)
  }

  async ids(...guids: string[]): Promise<number[]> {
    return (await this.posts()).filter(row => guids.includes(row.guid)).map(row => row.id)
  }

  tombstones() {
    return this.on(tables => tables.tombstones().selectAll().orderBy('feed_id').orderBy('guid_hash').execute())
  }
}
