import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { App } from '../../../src/app.js'
import type { DocumentPost, FeedDocument } from '../../../src/feeds/document.js'
import { storeDeliveries } from '../../../src/feeds/store.js'
import { addFeeds, type FeedRow, removeFeed } from '../../../src/feeds/subscriptions.js'
import { shortHash } from '../../../src/kernel/hash.js'
import { parseSlug } from '../../../src/tenants/ids.js'
import { withTenant } from '../../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../../src/tenants/tenant.js'
import { Installation } from '../../e2e/installation.js'
import { sharedMariadbEnv, type TestEnv } from '../../support/drivers.js'

const URLS = ['https://example.org/1.xml', 'https://example.org/2.xml']
const DATABASES: Readonly<Record<string, () => TestEnv>> = { sqlite: () => ({}), mysql: sharedMariadbEnv }

function post(guid: string, words = guid): DocumentPost {
  return {
    guid,
    guidHash: shortHash(guid),
    contentHash: shortHash(words),
    url: `https://example.org/${encodeURIComponent(guid)}`,
    title: words,
    author: null,
    publishedAt: 1_700_000_000_000,
    updatedAt: null,
    content: `<p>${words}</p>`,
    categories: ['one', 'two'],
    image: 'https://example.org/1.png',
    enclosures: [{ url: 'https://example.org/1.mp3', type: 'audio/mpeg', bytes: 12 }],
  }
}

function documentOf(posts: readonly DocumentPost[], title = 'Example'): FeedDocument {
  const rhythm = { ttlMinutes: null, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null }
  return { format: 'rss', title, link: null, description: null, language: null, rhythm, notices: [], posts }
}

describe.each(Object.entries(DATABASES))('storing documents on %s', (_name, settings) => {
  let installation: Installation
  let app: App
  let acme: Tenant
  let globex: Tenant

  beforeEach(async () => {
    installation = await Installation.create({ ...settings(), FEEDCTL_PLACEMENT: 'shared' })
    app = await installation.open()
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, URLS)
    acme = await getTenant(app.catalog, parseSlug('acme'))
    globex = await getTenant(app.catalog, parseSlug('globex'))
  })

  afterEach(async () => {
    await app[Symbol.asyncDispose]()
    await installation[Symbol.asyncDispose]()
  })

  const feedsOf = (tenant: Tenant) =>
    withTenant(app.catalog, tenant, tables => tables.feeds().selectAll().orderBy('id').execute())
  const postsOf = (tenant: Tenant) =>
    withTenant(app.catalog, tenant, tables => tables.posts().selectAll().orderBy('id').execute())
  const firstFeed = async (tenant: Tenant): Promise<FeedRow> => {
    const [feed] = await feedsOf(tenant)
    if (feed === undefined) throw new Error('the tenant has no feed')
    return feed
  }
  const store = async (tenant: Tenant, version: string, posts: readonly DocumentPost[], now = 1000) => {
    const feed = await firstFeed(tenant)
    const delivery = { feed, version: shortHash(version), document: documentOf(posts) }
    return withTenant(app.catalog, tenant, tables => storeDeliveries(tables, [delivery], now))
  }

  test('keeps every field, and the feed its version and title', async () => {
    expect(await store(acme, 'v1', [post('b'), post('a')], 5000)).toEqual([{ new: 2, updated: 0, held: 0 }])
    const feed = await firstFeed(acme)
    expect(feed).toMatchObject({ version: shortHash('v1'), stored_at: 5000, title: 'Example' })
    expect(await postsOf(acme)).toMatchObject([{ guid: 'a' }, { guid: 'b' }])
    expect((await postsOf(acme))[1]).toEqual({
      tenant_id: acme.id,
      id: 2,
      feed_id: feed.id,
      guid: 'b',
      guid_hash: shortHash('b'),
      content_hash: shortHash('b'),
      url: 'https://example.org/b',
      title: 'b',
      author: null,
      published_at: 1_700_000_000_000,
      updated_at: null,
      content: '<p>b</p>',
      categories: '["one","two"]',
      image: 'https://example.org/1.png',
      enclosures: '[{"url":"https://example.org/1.mp3","type":"audio/mpeg","bytes":12}]',
      created_at: 5000,
      changed_at: 5000,
      sort_at: 5000,
    })
  })

  test('a second time stores and changes nothing', async () => {
    await store(acme, 'v1', [post('a'), post('b')])
    const before = await postsOf(acme)
    expect(await store(acme, 'v1', [post('a'), post('b')], 2000)).toEqual([{ new: 0, updated: 0, held: 0 }])
    expect(await postsOf(acme)).toEqual(before)
  })

  test('keeps the id and the birthday of a post that changed, and leaves the others alone', async () => {
    await store(acme, 'v1', [post('a'), post('b')])
    const before = await postsOf(acme)
    expect(await store(acme, 'v2', [post('c'), post('a', 'changed'), post('b')], 2000)).toEqual([{ new: 1, updated: 1, held: 0 }])
    const after = await postsOf(acme)
    expect(after.find(row => row.guid === 'b')).toEqual(before.find(row => row.guid === 'b'))
    const [changed, original] = [after, before].map(rows => rows.find(row => row.guid === 'a'))
    expect(changed).toEqual({
      ...original,
      title: 'changed',
      content: '<p>changed</p>',
      content_hash: shortHash('changed'),
      changed_at: 2000,
    })
  })

  test('keeps posts that the document has no more', async () => {
    await store(acme, 'v1', [post('a'), post('b')])
    await store(acme, 'v2', [post('c')])
    expect((await postsOf(acme)).map(row => row.guid)).toEqual(['b', 'a', 'c'])
  })

  test('by two writers at once stores every post once', async () => {
    const posts = Array.from({ length: 50 }, (_, index) => post(`guid-${index}`))
    const stored = (await Promise.all([1, 2, 3, 4].map(() => store(acme, 'v1', posts)))).flat()
    expect(stored.map(result => result.new).toSorted((a, b) => b - a)).toEqual([50, 0, 0, 0])
    expect(new Set((await postsOf(acme)).map(row => row.id)).size).toBe(50)
  })

  test('of two versions at once stores the posts of both once', async () => {
    const results = await Promise.all([store(acme, 'v1', [post('a'), post('b')]), store(acme, 'v2', [post('b'), post('c')])])
    expect(results.flat().reduce((sum, result) => sum + result.new, 0)).toBe(3)
    expect((await postsOf(acme)).map(row => row.guid).toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('keeps a thousand posts, emoji, odd characters and long content whole', async () => {
    const odd = post('odd 👩‍👩‍👧‍👦', '🦊 Füchse — "quoted" \\ back\\slash \' %s ? :x $y {z} \u2028')
    const long = { ...post('long'), content: 'x'.repeat(300_000) }
    const posts = [...Array.from({ length: 998 }, (_, index) => post(`guid-${index}`)), odd, long]
    expect(await store(acme, 'v1', posts)).toEqual([{ new: 1000, updated: 0, held: 0 }])
    const rows = await postsOf(acme)
    expect(rows).toHaveLength(1000)
    expect(rows.find(row => row.guid === odd.guid)).toMatchObject({ title: odd.title, content: odd.content })
    expect(rows.find(row => row.guid === 'long')?.content).toBe(long.content)
    expect(await store(acme, 'v2', posts)).toEqual([{ new: 0, updated: 0, held: 0 }])
  })

  test('tells guids apart that differ only in case, accents or blanks at the end', async () => {
    const guids = ['a', 'A', 'á', 'a ', 'a\u0301']
    await store(
      acme,
      'v1',
      guids.map(guid => post(guid)),
    )
    expect((await postsOf(acme)).map(row => row.guid).toSorted()).toEqual(guids.toSorted())
  })

  test('of a feed that is removed while its document is on the way stores nothing', async () => {
    const feed = await firstFeed(acme)
    await removeFeed(app.catalog, acme, feed.url)
    const delivery = { feed, version: shortHash('v1'), document: documentOf([post('a')]) }
    const stored = await withTenant(app.catalog, acme, tables => storeDeliveries(tables, [delivery], 1000))
    expect(stored).toEqual([{ new: 0, updated: 0, held: 0 }])
    expect(await postsOf(acme)).toEqual([])
    expect((await feedsOf(acme)).map(row => row.url)).toEqual([URLS[1]])
  })

  test('of several feeds answers in their order, and keeps the same guid of two feeds apart', async () => {
    const [one, two] = await feedsOf(acme)
    if (one === undefined || two === undefined) throw new Error('two feeds are needed')
    const version = shortHash('v1')
    const stored = await withTenant(app.catalog, acme, tables =>
      storeDeliveries(
        tables,
        [
          { feed: two, version, document: documentOf([post('a'), post('b')]) },
          { feed: one, version, document: documentOf([post('a')]) },
        ],
        1000,
      ),
    )
    expect(stored).toEqual([
      { new: 2, updated: 0, held: 0 },
      { new: 1, updated: 0, held: 0 },
    ])
  })

  test("keeps the neighbour's posts in the same database as they are", async () => {
    await store(globex, 'v1', [post('a'), post('b')])
    const before = [await postsOf(globex), await feedsOf(globex)]
    await store(acme, 'v1', [post('a', 'other words')])
    await removeFeed(app.catalog, acme, String((await firstFeed(acme)).id))
    expect([await postsOf(globex), await feedsOf(globex)]).toEqual(before)
  })

  test('keeps the title of a feed whose document has none', async () => {
    await addFeeds(app.catalog, acme, [{ url: 'https://example.org/3.xml', title: 'Mine' }])
    const feed = (await feedsOf(acme)).find(row => row.title === 'Mine')
    if (feed === undefined) throw new Error('the feed was not added')
    const delivery = { feed, version: shortHash('v1'), document: documentOf([], '') }
    await withTenant(app.catalog, acme, tables => storeDeliveries(tables, [delivery], 1000))
    expect((await feedsOf(acme)).find(row => row.id === feed.id)).toMatchObject({ title: 'Mine', version: shortHash('v1') })
  })
})
