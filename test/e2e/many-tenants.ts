import { expect } from 'vitest'
import type { FeedServer } from '../../src/bench/feed-server/server.js'
import { registerSources } from '../../src/feeds/sources.js'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { parseFeedUrl } from '../../src/feeds/urls.js'
import type { PlacementKind } from '../../src/tenants/databases/index.js'
import { parseSlug, parseTenantName } from '../../src/tenants/ids.js'
import { createTenants } from '../../src/tenants/provision.js'
import { contentOf } from './content.js'
import type { Installation } from './installation.js'

/** Tenants, by default in shared tables, each with feeds of its own, in much less time than as many commands would take. */
export async function furnish(
  installation: Installation,
  server: FeedServer,
  tenants: number,
  feedsEach: number,
  { prefix = 't', placement = 'shared' }: { readonly prefix?: string; readonly placement?: PlacementKind } = {},
): Promise<void> {
  await using app = await installation.open()
  const urls = Array.from({ length: tenants * feedsEach }, (_, source) => parseFeedUrl(server.urlOf(source)))
  await registerSources(app.catalog, urls)
  const wanted = Array.from({ length: tenants }, (_, index) => ({
    slug: parseSlug(`${prefix}${index}`),
    name: parseTenantName(`Tenant ${index}`),
    placement,
  }))
  const report = await createTenants(app.catalog, app.config.databasePrefix, wanted, {
    signal: new AbortController().signal,
    progress: () => {},
    furnish: tenant => {
      const first = Number(tenant.slug.slice(prefix.length)) * feedsEach
      return addFeeds(
        app.catalog,
        tenant,
        urls.slice(first, first + feedsEach).map(url => ({ url, title: null })),
      )
    },
  })
  expect(report.tenants).toMatchObject({ created: tenants, failed: 0 })
}

/** Fails unless every feed of every tenant has each of its posts once. */
export async function expectEveryPostOnce(
  installation: Installation,
  { tenants, feedsEach, items }: { tenants: number; feedsEach: number; items: number },
): Promise<void> {
  const contents = Object.values(await contentOf(installation))
  expect(contents).toHaveLength(tenants)
  const odd = contents.flatMap(({ feeds, posts }) => {
    const guids = new Set(posts.map(post => `${post.feed} ${post.guid}`))
    const isWhole = feeds.length === feedsEach && guids.size === feedsEach * items && posts.length === guids.size
    return isWhole ? [] : [{ feeds, posts: posts.length, guids: guids.size }]
  })
  expect(odd).toEqual([])
}
