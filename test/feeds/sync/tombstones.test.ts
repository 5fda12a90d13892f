import { expect, it } from 'vitest'
import { removeFeed } from '../../../src/feeds/subscriptions.js'
import { deletePosts, dropOldTombstones } from '../../../src/feeds/tombstones.js'
import { shortHash } from '../../../src/kernel/hash.js'
import { markDeleted, removeTenant } from '../../../src/tenants/removal.js'
import { describeDatabases, openInstallation, tenantIn } from '../../tenants/installation.js'
import { DAY_MS, post, TenantFeeds } from './tenant-feeds.js'

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
    expect([(await feeds.tombstones()).length, (await neighbour.tombstones()).length]).toEqual([2, 0])
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
    expect(await feeds.on(tables => dropOldTombstones(tables, going))).toBe(1)
    expect(await feeds.store([post('gone')], 2002 + 90 * DAY_MS)).toEqual({ new: 1, updated: 0, held: 0 })
  })

  it('are not forgotten while they are listed, nor in a feed that stays silent', async () => {
    const feeds = await start(2)
    for (const place of [0, 1]) await feeds.store([post('gone'), post('a')], 1000, place)
    await bury(feeds, 2000, 'gone')
    for (let month = 1; month <= 5; month++) await feeds.store([post('gone'), post(`m${month}`)], month * 40 * DAY_MS)
    expect(await feeds.on(tables => dropOldTombstones(tables, going))).toBe(0)
    expect((await feeds.tombstones()).map(row => [row.guid_hash, row.deleted_at])).toEqual([
      [shortHash('gone'), 200 * DAY_MS],
      [shortHash('gone'), 2000],
    ])
    await feeds.store([post('gone')], 300 * DAY_MS, 1)
    expect(await feeds.guids(1)).toEqual(['a'])
  })

  it('are forgotten with their feed, and with their tenant', async () => {
    const feeds = await start(2)
    for (const place of [0, 1]) await feeds.store([post('a')], 1000, place)
    await bury(feeds, 2000, 'a')
    const [first, second] = await feeds.rows()
    await removeFeed(feeds.catalog, feeds.tenant, String(first?.id))
    expect((await feeds.tombstones()).map(row => row.feed_id)).toEqual([second?.id])
    const neighbour = await start()
    await neighbour.store([post('a')], 1000)
    await bury(neighbour, 2000, 'a')
    await markDeleted(feeds.catalog, feeds.tenant.slug, 0)
    await removeTenant(feeds.catalog, feeds.tenant.slug)
    expect([await feeds.tombstones(), (await neighbour.tombstones()).length]).toEqual([[], 1])
  })
})
