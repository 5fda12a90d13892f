import { expect, it } from 'vitest'
import type { DocumentPost, FeedDocument } from '../../src/feeds/document.js'
import { storeDeliveries } from '../../src/feeds/store.js'
import { addFeeds, listFeeds, removeFeed } from '../../src/feeds/subscriptions.js'
import { shortHash } from '../../src/kernel/hash.js'
import { tenantContent } from '../../src/tenants/content.js'
import { withTenant } from '../../src/tenants/tables.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from './installation.js'

const URLS = ['https://a.example/', 'https://b.example/', 'https://c.example/']
const STEPS = 60

/** What a tenant should have, kept beside the databases. */
class Expected {
  readonly feeds = new Map<string, Set<string>>()
}

/** Numbers from 0 to below the limit, the same for the same seed. */
function seeded(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return Math.floor((state / 2 ** 32) * limit)
  }
}

function documentOf(tenant: Tenant, guids: readonly string[]): FeedDocument {
  const posts = guids.map((guid): DocumentPost => {
    const content = `of ${tenant.slug}: ${guid}`
    return {
      guid,
      guidHash: shortHash(guid),
      contentHash: shortHash(content),
      url: null,
      title: tenant.slug,
      author: null,
      publishedAt: 1,
      updatedAt: null,
      content,
      categories: [],
      image: null,
      enclosures: [],
    }
  })
  return {
    format: 'rss',
    title: `feed of ${tenant.slug}`,
    link: null,
    description: null,
    language: null,
    rhythm: { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null },
    notices: [],
    posts,
  }
}

async function takeStep(
  here: Installation,
  tenant: Tenant,
  expected: Expected,
  random: (limit: number) => number,
): Promise<void> {
  const url = URLS[random(URLS.length)] ?? ''
  const known = expected.feeds.get(url)
  const deed = random(4)
  if (known === undefined) {
    await addFeeds(here.catalog, tenant, [{ url, title: null }])
    expected.feeds.set(url, new Set())
  } else if (deed === 0) {
    await removeFeed(here.catalog, tenant, url)
    expected.feeds.delete(url)
  } else {
    const feed = (
      await withTenant(here.catalog, tenant, tables => tables.feeds().selectAll().where('url', '=', url).execute())
    )[0]
    if (feed === undefined) throw new Error(`${tenant.slug} has lost ${url}`)
    const guids = Array.from({ length: 1 + random(5) }, () => `post ${random(12)}`)
    const document = documentOf(tenant, [...new Set(guids)])
    await withTenant(here.catalog, tenant, tables =>
      storeDeliveries(tables, [{ feed, version: shortHash(guids.join()), document }], 1),
    )
    for (const guid of guids) known.add(guid)
  }
}

async function check(here: Installation, tenant: Tenant, expected: Expected): Promise<void> {
  const feeds = await listFeeds(here.catalog, tenant)
  expect(feeds.map(feed => feed.url).sort()).toEqual([...expected.feeds.keys()].sort())
  const posts = await withTenant(here.catalog, tenant, tables => tables.posts().selectAll().execute())
  const urls = new Map(feeds.map(feed => [feed.id, feed.url]))
  expect(posts.map(post => `${urls.get(post.feed_id)} ${post.guid}`).sort()).toEqual(
    [...expected.feeds].flatMap(([url, guids]) => [...guids].map(guid => `${url} ${guid}`)).sort(),
  )
  for (const post of posts) expect([post.tenant_id, post.content]).toEqual([tenant.id, `of ${tenant.slug}: ${post.guid}`])
  expect(await tenantContent(here.catalog, tenant)).toEqual({ feeds: feeds.length, posts: posts.length })
}

describeDatabases('tenants side by side', env => {
  for (const placement of ['shared', 'dedicated'] as const) {
    it.each([1, 2, 3])(`see and change nothing of each other, in any order of deeds (${placement}, seed %i)`, async seed => {
      const here = await openInstallation(env)
      const random = seeded(seed)
      const tenants = await Promise.all(['x', 'x-2', 'y'].map(slug => tenantIn(here, `${placement}-${seed}-${slug}`, placement)))
      const worlds = tenants.map(tenant => ({ tenant, expected: new Expected() }))
      for (let step = 0; step < STEPS; step++) {
        const [world = worlds[0], other] = [worlds[random(3)], worlds[random(3)]]
        if (world === undefined || other === undefined) throw new Error('no tenants')
        const deeds = world === other ? [world] : [world, other]
        await Promise.all(deeds.map(({ tenant, expected }) => takeStep(here, tenant, expected, random)))
        if (step % 10 === 9) for (const { tenant, expected } of worlds) await check(here, tenant, expected)
      }
      for (const { tenant, expected } of worlds) await check(here, tenant, expected)
      expect(new Set(tenants.map(tenant => tenant.placement.database)).size).toBe(placement === 'shared' ? 1 : 3)
    })
  }

  it('have ids of their own that start from 1 and are never given twice', async () => {
    const here = await openInstallation(env)
    const [mine, theirs] = [await tenantIn(here, 'ids', 'shared'), await tenantIn(here, 'ids-2', 'shared')]
    const ids = async (tenant: Tenant) => (await listFeeds(here.catalog, tenant)).map(feed => feed.id)
    for (const tenant of [mine, theirs])
      await addFeeds(
        here.catalog,
        tenant,
        URLS.map(url => ({ url, title: null })),
      )
    expect([await ids(mine), await ids(theirs)]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
    await removeFeed(here.catalog, mine, '3')
    await addFeeds(here.catalog, mine, [{ url: 'https://d.example/', title: null }])
    expect([await ids(mine), await ids(theirs)]).toEqual([
      [1, 2, 4],
      [1, 2, 3],
    ])
  })

  it('take ids at once without one being given twice', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'many', 'shared')
    const taken = await Promise.all(
      Array.from({ length: 20 }, () =>
        withTenant(here.catalog, tenant, tables => tables.transaction(tx => tx.takeIds('posts', 3))),
      ),
    )
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => 1 + n * 3))
  })
})
