import { expect, it } from 'vitest'
import type { DocumentPost } from '../../../src/feeds/document.js'
import { storeDeliveries } from '../../../src/feeds/store.js'
import { addFeeds, followSource, removeFeed } from '../../../src/feeds/subscriptions.js'
import { deletePosts, dropOldTombstones } from '../../../src/feeds/tombstones.js'
import { shortHash } from '../../../src/kernel/hash.js'
import type { TenantSchema } from '../../../src/tenants/databases/index.js'
import { parseSourceId } from '../../../src/tenants/ids.js'
import { markDeleted, removeTenant } from '../../../src/tenants/removal.js'
import { describeDatabases, openInstallation, removing, tenantIn } from '../../tenants/installation.js'
import { DAY_MS, documentOf, post, TenantFeeds } from './tenant-feeds.js'

const going = new AbortController().signal

describeDatabases('deleted posts', env => {
  let turn = 0
  const start = async (feeds = 1) => {
    const here = await openInstallation(env)
    return TenantFeeds.of(here.catalog, await tenantIn(here, `t${++turn}`, 'shared'), feeds)
  }
  const bury = async (feeds: TenantFeeds, now: number, ...guids: string[]) => {
    const ids = await feeds.ids(...guids)
    return feeds.on(tables => deletePosts(tables, ids, now))
  }

  it('stay deleted while documents list them still, and the others are stored', async () => {
    const feeds = await start()
    await feeds.store([post('b'), post('a')], 1000)
    expect(await bury(feeds, 2000, 'a')).toBe(1)
    expect(await feeds.store([post('c'), post('b'), post('a', { title: 'rewritten' })], 3000)).toEqual({
      new: 1,
      updated: 0,
      held: 0,
    })
    expect(await feeds.guids()).toEqual(['b', 'c'])
  })

  it('are deleted once, however often they are named, and only this tenant’s', async () => {
    const feeds = await start()
    const neighbour = await start()
    for (const each of [feeds, neighbour]) await each.store([post('b'), post('a')], 1000)
    expect([await bury(feeds, 2000, 'a', 'b'), await feeds.on(tables => deletePosts(tables, [1, 2, 3], 3000))]).toEqual([2, 0])
    expect([await feeds.guids(), await neighbour.guids()]).toEqual([[], ['a', 'b']])
    expect([(await feeds.tombstones()).length, (await neighbour.tombstones()).length]).toEqual([4, 0])
  })

  it('of one feed may be posts of another', async () => {
    const feeds = await start(2)
    for (const place of [0, 1]) await feeds.store([post('a')], 1000, place)
    await feeds.on(tables => deletePosts(tables, [1], 2000))
    for (const place of [0, 1]) await feeds.store([post('a'), post('b')], 3000, place)
    expect([await feeds.guids(0), await feeds.guids(1)]).toEqual([['b'], ['a', 'b']])
  })

  it('are forgotten once a document of 90 days later does not list them', async () => {
    const feeds = await start()
    await feeds.store([post('gone'), post('a')], 1000)
    await bury(feeds, 2000, 'gone')
    await feeds.store([post('a'), post('b')], 2000 + 89 * DAY_MS)
    expect(await feeds.on(tables => dropOldTombstones(tables, going))).toBe(0)
    await feeds.store([post('a'), post('c')], 2001 + 90 * DAY_MS)
    expect(await feeds.on(tables => dropOldTombstones(tables, going))).toBe(2)
    expect(await feeds.store([post('gone')], 2002 + 90 * DAY_MS)).toEqual({ new: 1, updated: 0, held: 0 })
  })

  it('are not forgotten while they are listed, nor in a feed that stays silent', async () => {
    const feeds = await start(2)
    for (const place of [0, 1]) await feeds.store([post('gone'), post('a')], 1000, place)
    await bury(feeds, 2000, 'gone')
    for (let month = 1; month <= 5; month++) await feeds.store([post('gone'), post(`m${month}`)], month * 40 * DAY_MS)
    expect(await feeds.on(tables => dropOldTombstones(tables, going))).toBe(0)
    expect((await feeds.tombstones()).map(row => row.deleted_at)).toEqual([200 * DAY_MS, 200 * DAY_MS, 2000, 2000])
    expect((await feeds.tombstones()).filter(row => row.guid_hash === shortHash('gone'))).toHaveLength(2)
    await feeds.store([post('gone')], 300 * DAY_MS, 1)
    expect(await feeds.guids(1)).toEqual(['a'])
  })

  it('are forgotten with their feed, and with their tenant', async () => {
    const feeds = await start(2)
    for (const place of [0, 1]) await feeds.store([post('a')], 1000, place)
    await bury(feeds, 2000, 'a')
    const [first, second] = await feeds.rows()
    await removeFeed(feeds.catalog, feeds.tenant, String(first?.id))
    expect((await feeds.tombstones()).map(row => row.feed_id)).toEqual([second?.id, second?.id])
    const neighbour = await start()
    await neighbour.store([post('a')], 1000)
    await bury(neighbour, 2000, 'a')
    await markDeleted(feeds.catalog, feeds.tenant.slug, 0)
    await removeTenant(feeds.catalog, feeds.tenant.slug, removing())
    expect([await feeds.tombstones(), (await neighbour.tombstones()).length]).toEqual([[], 2])
  })

  const here = 'https://example.org/here'
  it.each<[string, number, Partial<DocumentPost>, Partial<DocumentPost>]>([
    ['with their link, title and date', 0, { publishedAt: 5 }, { publishedAt: 5, content: 'edited' }],
    ['with another date', 1, { publishedAt: 5 }, { publishedAt: 6 }],
    ['with another title', 1, { publishedAt: 5 }, { publishedAt: 5, title: 'other' }],
    ['with their content and date, without a link', 0, { publishedAt: 5, url: null }, { publishedAt: 5, url: null }],
    ['with their content, without a link, later', 1, { publishedAt: 5, url: null }, { publishedAt: 6, url: null }],
    ['with their link and content, without a date', 0, {}, {}],
    ['with their link, without a date', 1, {}, { content: 'edited' }],
    ['with their content, without link or date', 1, { url: null }, { url: null }],
  ])('stay deleted under other guids or are others: %s', async (_what, stored, own, then) => {
    const feeds = await start()
    await feeds.store([post('b'), post('a', { title: 'one', url: here, ...own })], 1000)
    await bury(feeds, 2000, 'a')
    expect(await feeds.store([post('b'), post('a2', { title: 'one', url: here, ...then })], 3000)).toMatchObject({ new: stored })
  })

  it('take no others along that say the same under one link for all', async () => {
    const feeds = await start()
    const up = (guid: string) => post(guid, { title: 'The site is up', url: here })
    await feeds.store([up('b'), up('a')], 1000)
    await bury(feeds, 2000, 'a')
    expect(await feeds.store([up('c'), up('b'), up('a')], 3000)).toEqual({ new: 1, updated: 0, held: 0 })
  })

  it('of a tenant that is removed meanwhile leave nothing behind, and a document that comes too late is refused', async () => {
    const feeds = await start()
    const neighbour = await start()
    for (const each of [feeds, neighbour]) await each.store([post('b'), post('a')], 1000)
    const feed = await feeds.feed()
    await markDeleted(feeds.catalog, feeds.tenant.slug, 0)
    await removeTenant(feeds.catalog, feeds.tenant.slug, removing())
    const counters = (each: TenantFeeds) =>
      each.catalog.server.use<TenantSchema, unknown[]>(each.tenant.placement.database, ({ kysely }) =>
        kysely.selectFrom('counters').select('name').where('tenant_id', '=', each.tenant.id).orderBy('name').execute(),
      )
    const refused = { code: 'TENANT_MOVED' }
    await expect(feeds.on(tables => deletePosts(tables, [1], 2000))).rejects.toMatchObject(refused)
    const late = { feed, version: shortHash('late'), document: documentOf([post('c')]) }
    await expect(feeds.on(tables => storeDeliveries(tables, [late], 2000))).rejects.toMatchObject(refused)
    const source = { id: parseSourceId(99), url: 'https://x.example/' }
    await expect(feeds.on(tables => followSource(tables, feed.id, source))).rejects.toMatchObject(refused)
    expect([await feeds.posts(), await feeds.tombstones(), await counters(feeds)]).toEqual([[], [], []])
    expect(await counters(neighbour)).toEqual([{ name: 'feeds' }, { name: 'posts' }])
  })

  it('and nothing else is lost when a tenant without feeds is pruned, and its ids go on', async () => {
    const feeds = await start()
    await feeds.store([post('b'), post('a')], 1000)
    await removeFeed(feeds.catalog, feeds.tenant, '1')
    expect(await feeds.on(tables => deletePosts(tables, [1, 2], 2000))).toBe(0)
    await addFeeds(feeds.catalog, feeds.tenant, [{ url: 'https://again.example/', title: null }])
    await feeds.store([post('c')], 3000)
    expect((await feeds.posts()).map(row => [row.feed_id, row.id])).toEqual([[2, 3]])
  })
})
