import { registerSources } from '../../feeds/sources.js'
import { addFeeds } from '../../feeds/subscriptions.js'
import { parseFeedUrl } from '../../feeds/urls.js'
import { Failure } from '../../kernel/errors.js'
import { parseSlug, parseTenantName } from '../../tenants/ids.js'
import { createTenants } from '../../tenants/provision.js'
import { withTenant } from '../../tenants/tables.js'
import { tenantOf, tenantRows } from '../../tenants/tenant.js'
import { dealSources, type SyncLoad } from './load.js'
import type { Place } from './place.js'

const TENANTS_AT_ONCE = 16

/** Creates the tenants with their feeds, none of which was ever fetched. @throws {Failure} PARTIAL when a tenant could not be made */
export async function populate(
  place: Place,
  load: SyncLoad,
  urlOf: (source: number) => string,
  options: { signal: AbortSignal; progress: (done: number) => void },
): Promise<void> {
  const hands = dealSources(load)
  const wanted = hands.map((_, index) => {
    const slug = `t${String(index + 1).padStart(5, '0')}`
    return { slug: parseSlug(slug), name: parseTenantName(slug), placement: load.placement }
  })
  const wishes = new Map(
    wanted.map(({ slug }, index) => [
      slug,
      (hands[index] ?? []).map(source => ({ url: parseFeedUrl(urlOf(source)), title: null })),
    ]),
  )
  await place.withCatalog(async catalog => {
    await registerSources(
      catalog,
      [...wishes.values()].flat().map(wish => wish.url),
    )
    const report = await createTenants(catalog, place.config.databasePrefix, wanted, {
      ...options,
      furnish: tenant => addFeeds(catalog, tenant, wishes.get(tenant.slug) ?? []),
    })
    const [first] = report.failures
    if (first !== undefined) {
      throw new Failure(
        'PARTIAL',
        `${report.tenants.failed} of ${report.tenants.total} tenants could not be created: ${first.message}`,
      )
    }
  })
}

/** Posts in the tables of all tenants, counted there. */
export function countPosts(place: Place): Promise<number> {
  return place.withCatalog(async catalog => {
    const tenants = (await tenantRows(catalog).execute()).map(tenantOf)
    let posts = 0
    for (let start = 0; start < tenants.length; start += TENANTS_AT_ONCE) {
      const counts = await Promise.all(
        tenants.slice(start, start + TENANTS_AT_ONCE).map(tenant =>
          withTenant(catalog, tenant, tables =>
            tables
              .posts()
              .select(eb => eb.fn.countAll<number>().as('posts'))
              .executeTakeFirstOrThrow(),
          ),
        ),
      )
      posts += counts.reduce((sum, row) => sum + Number(row.posts), 0)
    }
    return posts
  })
}
