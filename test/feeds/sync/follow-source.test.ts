import { expect, it } from 'vitest'
import { setRetention } from '../../../src/feeds/retention-policy.js'
import { registerSources } from '../../../src/feeds/sources.js'
import { addFeeds, followSource, listFeeds } from '../../../src/feeds/subscriptions.js'
import { deletePosts } from '../../../src/feeds/tombstones.js'
import { shortHash } from '../../../src/kernel/hash.js'
import type { SourceId } from '../../../src/tenants/ids.js'
import { describeDatabases, openInstallation, tenantIn } from '../../tenants/installation.js'
import { post, TenantFeeds } from './tenant-feeds.js'

describeDatabases('feeds', env => {
  let turn = 0
  const start = async (feeds = 1) => {
    const here = await openInstallation(env)
    return TenantFeeds.of(here.catalog, await tenantIn(here, `t${++turn}`, 'shared'), feeds)
  }
  const sourceAt = async (feeds: TenantFeeds, url: string): Promise<{ id: SourceId; url: string }> => {
    const [id] = (await registerSources(feeds.catalog, [url])).values()
    if (id === undefined) throw new Error('no source')
    return { id, url }
  }
  const follow = async (feeds: TenantFeeds, place: number, source: { id: SourceId; url: string }) => {
    const { id } = await feeds.feed(place)
    return feeds.on(tables => followSource(tables, id, source))
  }

  it('follow their source, with all their posts', async () => {
    const feeds = await start()
    await feeds.store([post('a')], 1000)
    const before = await feeds.feed()
    const source = await sourceAt(feeds, `https://new-${turn}.example/feed`)
    expect([await follow(feeds, 0, source), await follow(feeds, 0, source)]).toEqual(['rewritten', 'same'])
    expect(await feeds.rows()).toEqual([{ ...before, source_id: source.id, url: source.url }])
    expect([await feeds.guids(), (await listFeeds(feeds.catalog, feeds.tenant))[0]?.url]).toEqual([['a'], source.url])
  })

  it('become one where the tenant has the other too, and every post and deletion stays', async () => {
    const feeds = await start(2)
    const neighbour = await start(2)
    for (const each of [feeds, neighbour]) {
      await each.store([post('both', { title: 'of the old' }), post('deleted there'), post('old'), post('deleted here')], 1000, 0)
      await each.store([post('both', { title: 'of the new' }), post('deleted there'), post('new'), post('deleted here')], 1000, 1)
      const [here, there] = [await each.feed(0), await each.feed(1)]
      const gone = (await each.posts()).filter(
        row =>
          (row.feed_id === here.id && row.guid === 'deleted here') || (row.feed_id === there.id && row.guid === 'deleted there'),
      )
      await each.on(tables =>
        deletePosts(
          tables,
          gone.map(row => row.id),
          2000,
        ),
      )
    }
    const before = await neighbour.posts()
    const target = await feeds.feed(1)
    const source = { id: target.source_id as SourceId, url: target.url }
    expect([await follow(feeds, 0, source), await feeds.rows()]).toEqual(['merged', [target]])
    const posts = await feeds.posts()
    expect(posts.map(row => [row.guid, row.title]).sort()).toEqual([
      ['both', 'of the new'],
      ['deleted here', 'deleted here'],
      ['new', 'new'],
      ['old', 'old'],
    ])
    expect(posts.every(row => row.feed_id === target.id)).toBe(true)
    const tombstones = await feeds.tombstones()
    expect(tombstones.every(row => row.feed_id === target.id)).toBe(true)
    const hashes = tombstones.map(row => row.guid_hash)
    expect([hashes.includes(shortHash('deleted there')), hashes.includes(shortHash('deleted here'))]).toEqual([true, false])
    expect(await neighbour.posts()).toEqual(before)
    await feeds.store([post('both'), post('old'), post('new'), post('deleted there')], 3000)
    expect((await feeds.posts()).length).toBe(4)
  })

  it.each<[number | null, number | null, number | null]>([
    [null, null, null],
    [30, 30, 30],
    [30, 90, 90],
    [90, 30, 90],
    [0, 90, 0],
    [90, 0, 0],
    [null, 0, 0],
    [null, 90, 0],
    [90, null, 0],
  ])('become one that prunes no more than either: of %j and %j comes %j', async (old, target, kept) => {
    const feeds = await start(2)
    const { source_id, url } = await feeds.feed(1)
    const decide = (named: string, keep: number | null) =>
      setRetention(feeds.catalog, feeds.tenant, named, { keepDays: keep, keepPosts: keep })
    await decide('1', old)
    await decide('2', target)
    expect(await follow(feeds, 0, { id: source_id as SourceId, url })).toBe('merged')
    expect(await feeds.rows()).toMatchObject([{ id: 2, keep_days: kept, keep_posts: kept }])
  })

  it('become one with a feed that was never synced, and what the next document lists is stored once', async () => {
    const feeds = await start()
    await feeds.store([post('b'), post('a')], 1000)
    await feeds.on(tables => deletePosts(tables, [1], 2000))
    const url = `https://fresh-${turn}.example/feed`
    await addFeeds(feeds.catalog, feeds.tenant, [{ url, title: null }])
    expect(await follow(feeds, 0, await sourceAt(feeds, url))).toBe('merged')
    expect(await feeds.store([post('c'), post('b'), post('a')], 3000)).toEqual({ new: 1, updated: 0, held: 0 })
    expect(await feeds.guids()).toEqual(['b', 'c'])
  })

  it('move thousands of posts, and a document that arrives at the same moment is stored once', async () => {
    const feeds = await start(2)
    const many = (from: number) => Array.from({ length: 1000 }, (_, n) => post(`guid ${from + n}`))
    for (const from of [0, 1000, 2000]) await feeds.store(many(from), 1000, 0)
    await feeds.store(many(500), 1000, 1)
    const target = await feeds.feed(1)
    const source = { id: target.source_id as SourceId, url: target.url }
    const [followed] = await Promise.all([follow(feeds, 0, source), feeds.store(many(2500), 2000, 1)])
    expect(followed).toBe('merged')
    const guids = await feeds.guids()
    expect([guids.length, new Set(guids).size]).toEqual([3500, 3500])
  })

  it('that are gone are no feed to move', async () => {
    const feeds = await start()
    const source = await sourceAt(feeds, `https://gone-${turn}.example/feed`)
    expect(await feeds.on(tables => followSource(tables, 99, source))).toBe('same')
  })

  it('are refused, all of them, when the tenant would have too many', async () => {
    const feeds = await start(2)
    const wish = (n: number) => ({ url: `https://more-${turn}.example/${n}`, title: null })
    const known = { url: (await feeds.feed()).url, title: null }
    const add = (...wishes: { url: string; title: null }[]) => addFeeds(feeds.catalog, feeds.tenant, wishes, { maxFeeds: 4 })
    await expect(add(wish(1), wish(2), wish(3))).rejects.toMatchObject({
      code: 'FEEDS_TOO_MANY',
      message: `tenant ${feeds.tenant.slug} has 2 feeds and would have 5: more than 4`,
    })
    expect(await feeds.rows()).toHaveLength(2)
    expect((await add(known, wish(1), wish(1), wish(2))).added).toHaveLength(2)
    expect((await add(known)).existing).toHaveLength(1)
    const racers = await Promise.allSettled([add(wish(5)), add(wish(6))])
    expect(racers.map(racer => racer.status)).toEqual(['rejected', 'rejected'])
  })

  it('are never more than allowed, when several add at once', async () => {
    const feeds = await start()
    const adding = Array.from({ length: 6 }, (_, n) =>
      addFeeds(feeds.catalog, feeds.tenant, [{ url: `https://race-${turn}.example/${n}`, title: null }], { maxFeeds: 3 }),
    )
    const ended = await Promise.allSettled(adding)
    expect([ended.filter(end => end.status === 'fulfilled').length, (await feeds.rows()).length]).toEqual([2, 3])
  })
})
