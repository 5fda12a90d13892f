import { registerSources } from '../../feeds/sources.js'
import { addFeeds } from '../../feeds/subscriptions.js'
import { parseFeedUrl } from '../../feeds/urls.js'
import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { parseSlug, parseTenantId, parseTenantName, type TenantId } from '../../tenants/ids.js'
import { createTenants } from '../../tenants/provision.js'
import type { QueueLoad } from './load.js'

const WARM_UP_TENANTS = 20

export interface Population {
  readonly giant: TenantId
  readonly warmUp: readonly TenantId[]
  readonly first: readonly TenantId[]
  readonly second: readonly TenantId[]
}

/** Sources that a population of this load has, numbered from 0. */
export function sourcesOf(load: QueueLoad): number {
  return load.giantFeeds + (WARM_UP_TENANTS + 2 * load.tenants) * load.feedsPerTenant
}

/** Creates a giant, with the lowest id, and small tenants in shared tables; no two have a source in common. @throws {Failure} PARTIAL */
export async function populate(
  catalog: Catalog,
  { databasePrefix }: Pick<Config, 'databasePrefix'>,
  load: QueueLoad,
  { urlOf, signal }: { urlOf: (source: number) => string; signal: AbortSignal },
): Promise<Population> {
  const small = WARM_UP_TENANTS + 2 * load.tenants
  const urls = Array.from({ length: sourcesOf(load) }, (_, source) => parseFeedUrl(urlOf(source)))
  await registerSources(catalog, urls)
  const [giant] = await create(catalog, databasePrefix, ['giant'], () => urls.slice(0, load.giantFeeds), signal)
  const others = await create(
    catalog,
    databasePrefix,
    Array.from({ length: small }, (_, n) => `t${String(n).padStart(5, '0')}`),
    slug => {
      const from = load.giantFeeds + Number(slug.slice(1)) * load.feedsPerTenant
      return urls.slice(from, from + load.feedsPerTenant)
    },
    signal,
  )
  return {
    giant: giant as TenantId,
    warmUp: others.slice(0, WARM_UP_TENANTS),
    first: others.slice(WARM_UP_TENANTS, WARM_UP_TENANTS + load.tenants),
    second: others.slice(WARM_UP_TENANTS + load.tenants),
  }
}

/** Their ids, in the order of the slugs. */
async function create(
  catalog: Catalog,
  prefix: string,
  slugs: readonly string[],
  urlsOf: (slug: string) => readonly string[],
  signal: AbortSignal,
): Promise<TenantId[]> {
  const wanted = slugs.map(slug => ({ slug: parseSlug(slug), name: parseTenantName(slug), placement: 'shared' as const }))
  const { failures } = await createTenants(catalog, prefix, wanted, {
    signal,
    furnish: tenant =>
      addFeeds(
        catalog,
        tenant,
        urlsOf(tenant.slug).map(url => ({ url: parseFeedUrl(url), title: null })),
      ),
  })
  const [failure] = failures
  if (failure !== undefined) throw new Failure('PARTIAL', `${failures.length} tenants could not be created: ${failure.message}`)
  const rows = await catalog.kysely.selectFrom('tenants').select(['id', 'slug']).execute()
  const ids = new Map<string, number>(rows.map(row => [row.slug, row.id]))
  return slugs.map(slug => parseTenantId(ids.get(slug) ?? 0))
}
