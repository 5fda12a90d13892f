import { describe, expect, it, vi } from 'vitest'
import { type AgingFeed, Expiry } from '../../src/feeds/expiry.js'
import { pruneTenants } from '../../src/feeds/prune-tenants.js'
import { type PruneOptions, pruneTenant } from '../../src/feeds/retention.js'
import { setRetention } from '../../src/feeds/retention-policy.js'
import { deletePosts } from '../../src/feeds/tombstones.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../tenants/installation.js'
import { DAY_MS, post, TenantFeeds } from './sync/tenant-feeds.js'

const NOW = 1_700_000_000_000
const KEEP_ALL = { keepDays: 0, keepPosts: 0 }
const going = new AbortController().signal

/** Entries of so many days before now, the newest first. */
const aged = (...days: number[]) => days.map(age => post(`${age} days`, { publishedAt: NOW - age * DAY_MS }))

describeDatabases('pruning', env => {
  let turn = 0
  const start = async (feeds = 1, known?: Installation) => {
    const here = known ?? (await openInstallation(env))
    return TenantFeeds.of(here.catalog, await tenantIn(here, `t${++turn}`, 'shared'), feeds)
  }
  const prune = async (feeds: TenantFeeds, settings: Partial<PruneOptions['settings']>, own: Partial<PruneOptions> = {}) => {
    const tenant = await getTenant(feeds.catalog, feeds.tenant.slug)
    return pruneTenant(feeds, tenant, { settings: { ...KEEP_ALL, ...settings }, now: NOW, signal: going, ...own })
  }

  it('deletes what is older, the moment it is, and a document that lists it still brings none of it back', async () => {
    const feeds = await start()
    await feeds.store(aged(1, 9, 10, 11, 400), NOW)
    expect(await prune(feeds, { keepDays: 10 })).toEqual({ posts: 2, tombstones: 0 })
    expect(await feeds.store(aged(0, 1, 9, 10, 11, 400), NOW + 1)).toMatchObject({ new: 1 })
    expect((await feeds.guids()).toSorted()).toEqual(['0 days', '1 days', '10 days', '9 days'])
    expect(await prune(feeds, { keepDays: 10 })).toEqual({ posts: 0, tombstones: 0 })
  })

  it('leaves as many of the newest of each feed as it is told, undated ones by when they came', async () => {
    const feeds = await start(2)
    await feeds.store(aged(1, 2, 3, 4), NOW - DAY_MS, 0)
    await feeds.store([post('c'), post('b'), post('a')], NOW - 5 * DAY_MS, 1)
    expect(await prune(feeds, { keepPosts: 2 })).toEqual({ posts: 3, tombstones: 0 })
    expect([await feeds.guids(0), await feeds.guids(1)]).toEqual([
      ['2 days', '1 days'],
      ['b', 'c'],
    ])
  })

  it('keeps all when nothing says otherwise', async () => {
    const feeds = await start()
    await feeds.store(aged(1, 5_000), NOW)
    expect(await prune(feeds, {})).toEqual({ posts: 0, tombstones: 0 })
    expect(await feeds.guids()).toHaveLength(2)
  })

  it('does what the feed says, else the tenant, else the settings, each limit by itself', async () => {
    const feeds = await start(3)
    const neighbour = await start(1)
    for (const place of [0, 1, 2]) await feeds.store(aged(1, 2, 3, 20, 50), NOW, place)
    await neighbour.store(aged(1, 2, 3, 20, 50), NOW)
    const urls = (await feeds.rows()).map(row => row.url)
    await setRetention(feeds.catalog, feeds.tenant, null, { keepDays: 30 })
    await setRetention(feeds.catalog, feeds.tenant, urls[1] ?? '', { keepPosts: 2 })
    await setRetention(feeds.catalog, feeds.tenant, urls[2] ?? '', { keepDays: 0, keepPosts: 0 })
    expect(await prune(feeds, { keepDays: 10, keepPosts: 3 })).toEqual({ posts: 5, tombstones: 0 })
    expect([await feeds.guids(0), await feeds.guids(1), (await feeds.guids(2)).length]).toEqual([
      ['3 days', '2 days', '1 days'],
      ['2 days', '1 days'],
      5,
    ])
    expect(await neighbour.guids()).toHaveLength(5)
    await setRetention(feeds.catalog, feeds.tenant, null, { keepDays: null })
    expect(await prune(neighbour, { keepDays: 10 })).toEqual({ posts: 2, tombstones: 0 })
  })

  it('counts and deletes nothing on a dry run', async () => {
    const feeds = await start()
    await feeds.store(aged(1, 20, 30), NOW)
    expect(await prune(feeds, { keepDays: 10 }, { dryRun: true })).toEqual({ posts: 2, tombstones: 0 })
    expect([(await feeds.guids()).length, await feeds.tombstones()]).toEqual([3, []])
  })

  it('works in batches, the oldest first; stopped between two, the next call goes on', async () => {
    const feeds = await start(2)
    const many = (place: number) =>
      Array.from({ length: 1000 }, (_, n) => post(`${place} ${n}`, { publishedAt: NOW - (1 + (n % 50)) * DAY_MS }))
    const thousands = (place: number, round: number) =>
      many(place).map(entry => post(`${entry.guid} ${round}`, { publishedAt: entry.publishedAt }))
    for (const place of [0, 1]) for (const round of [1, 2, 3]) await feeds.store(thousands(place, round), NOW, place)
    const stop = new AbortController()
    const batches: number[] = []
    const gone = (posts: number) => {
      batches.push(posts)
      if (batches.length === 2) stop.abort(new Error('stopped'))
    }
    await expect(prune(feeds, { keepDays: 10 }, { signal: stop.signal, gone })).rejects.toThrow('stopped')
    expect(batches).toEqual([500, 500])
    const left = await feeds.posts()
    expect([left.length, Math.min(...left.map(row => row.sort_at))]).toEqual([5000, NOW - 42 * DAY_MS])
    expect(await prune(feeds, { keepDays: 10 })).toEqual({ posts: 5000 - 6 * 200, tombstones: 0 })
    expect((await feeds.posts()).every(row => row.sort_at >= NOW - 10 * DAY_MS)).toBe(true)
  })

  it('passes over more posts of one moment than it reads at once', async () => {
    const feeds = await start(2)
    for (let round = 0; round < 6; round++)
      await feeds.store(
        Array.from({ length: 1000 }, (_, n) => post(`${round} ${n}`)),
        NOW - 2,
        0,
      )
    await feeds.store([post('c'), post('b'), post('a')], NOW - 2, 1)
    await setRetention(feeds.catalog, feeds.tenant, '2', { keepPosts: 1 })
    expect(await prune(feeds, {})).toEqual({ posts: 2, tombstones: 0 })
    expect([(await feeds.guids(0)).length, await feeds.guids(1)]).toEqual([6000, ['c']])
  })

  it('and a sync at the same moment leave each post once, or deleted', async () => {
    const feeds = await start()
    const old = Array.from({ length: 900 }, (_, n) => post(`old ${n}`, { publishedAt: NOW - 20 * DAY_MS }))
    await feeds.store(old, NOW)
    const fresh = aged(1, 2, 3)
    await Promise.all([prune(feeds, { keepDays: 10 }), feeds.store([...fresh, ...old.slice(0, 90)], NOW + 1)])
    expect((await feeds.guids()).toSorted()).toEqual(fresh.map(entry => entry.guid).toSorted())
  })

  it('by two at once, of two processes, leaves as many as by one', async () => {
    const feeds = await start()
    const there = await openInstallation(env)
    for (let round = 0; round < 12; round++) {
      const age = (n: number) => NOW - 400 * DAY_MS + round * 1000 + n
      await feeds.store(
        Array.from({ length: 1000 }, (_, n) => post(`${round} ${n}`, { publishedAt: age(n) })),
        NOW,
      )
    }
    const tenant = await getTenant(feeds.catalog, feeds.tenant.slug)
    const options = { settings: { keepDays: 0, keepPosts: 2000 }, now: NOW, signal: going }
    const seconds: Promise<unknown>[] = []
    let batches = 0
    await pruneTenant(feeds, tenant, {
      ...options,
      gone: () => ++batches % 3 === 0 && seconds.push(pruneTenant(there, tenant, options)),
    })
    await Promise.all(seconds)
    expect(seconds.length).toBeGreaterThan(0)
    const left = await feeds.posts()
    expect([left.length, Math.min(...left.map(row => row.sort_at))]).toEqual([2000, NOW - 400 * DAY_MS + 10_000])
  })

  it('leaves a post that has become newer, or another feed’s, since it was read', async () => {
    const feeds = await start(2)
    await feeds.store(aged(1, 20, 30, 40), NOW)
    await setRetention(feeds.catalog, feeds.tenant, '1', { keepDays: 10 })
    const [oldest, older, old] = (await feeds.posts()).map(row => row.id)
    const expiry = new Expiry([{ id: 1, policy: { keepDays: 10, keepPosts: 0 }, oldestKept: null }], NOW)
    await feeds.on(tables =>
      tables.transaction(async tx => {
        await tx
          .updatePosts()
          .set({ published_at: NOW })
          .where('id', '=', older ?? 0)
          .execute()
        await tx
          .updatePosts()
          .set({ feed_id: 2 })
          .where('id', '=', old ?? 0)
          .execute()
      }),
    )
    const asked = [oldest ?? 0, older ?? 0, old ?? 0]
    expect(await feeds.on(tables => deletePosts(tables, asked, NOW, row => expiry.takes(row)))).toBe(1)
    expect(await feeds.posts()).toHaveLength(3)
  })

  it('of many tenants counts each, goes on after one that fails, and leaves those alone that are not active', async () => {
    const here = await openInstallation({ ...env, FEEDCTL_DATABASE_PREFIX: env.FEEDCTL_DATABASE_PREFIX ?? 'many_' })
    const [one, two, broken, asleep] = [
      await start(1, here),
      await start(1, here),
      await tenantIn(here, 'broken'),
      await start(1, here),
    ]
    for (const feeds of [one, two, asleep]) await feeds.store(aged(1, 20, 30), NOW)
    await here.catalog.server.drop(broken.placement.database)
    await here.catalog.kysely.updateTable('tenants').set({ state: 'suspended' }).where('slug', '=', asleep.tenant.slug).execute()
    const tenants = [one.tenant, two.tenant, broken]
    const pruneMedia = async () => ({ files: 0, bytes: 0 })
    const options = {
      tenants,
      settings: { keepDays: 1, keepPosts: 0 },
      dryRun: false,
      signal: going,
      progress: () => {},
      pruneMedia,
    }
    const report = await pruneTenants(here, options)
    expect(report).toMatchObject({ tenants: { total: 3, ok: 2, failed: 1, skipped: 0 }, posts: { removed: 6 } })
    expect(report.failures).toMatchObject([{ tenant: 'broken', code: 'SCHEMA_MISSING' }])
    const progress = vi.fn()
    const all = await pruneTenants(here, { ...options, tenants: 'all', progress })
    expect([all.pruned.some(row => row.tenant === asleep.tenant.slug), all.tenants.failed]).toEqual([false, 1])
    expect(progress).toHaveBeenCalled()
    expect(await asleep.guids()).toHaveLength(3)
    const stopped = await pruneTenants(here, { ...options, signal: AbortSignal.abort(new Error('stopped')) })
    expect(stopped.tenants).toEqual({ total: 3, ok: 0, failed: 0, skipped: 3 })
  })
})

describe('what expires', () => {
  const kept = (days: number, id = 0) => ({ sort_at: NOW - days * DAY_MS, id })
  const feed = (id: number, keepDays: number, oldestKept: AgingFeed['oldestKept'] = null): AgingFeed => ({
    id,
    policy: { keepDays, keepPosts: 9 },
    oldestKept,
  })
  const taken = (feeds: readonly AgingFeed[], ages: readonly (readonly [feed: number, days: number])[]) => {
    const expiry = new Expiry(feeds, NOW)
    return ages.map(([feed_id, days], index) => {
      const post = { id: index + 1, feed_id, sort_at: NOW - days * DAY_MS }
      return expiry.enough(post) ? 'enough' : expiry.takes(post)
    })
  }

  it.each<[string, readonly AgingFeed[], readonly (readonly [number, number])[], (boolean | string)[]]>([
    ['nothing is limited', [feed(1, 0)], [[1, 9_999]], ['enough']],
    [
      'by age',
      [feed(1, 7)],
      [
        [1, 8],
        [1, 7.001],
        [1, 7],
      ],
      [true, true, 'enough'],
    ],
    [
      'by number',
      [feed(1, 0, kept(8))],
      [
        [1, 9],
        [1, 8],
        [1, 7],
      ],
      [true, 'enough', 'enough'],
    ],
    [
      'by number, of one moment by their ids',
      [feed(1, 0, kept(8, 3))],
      [
        [1, 8],
        [1, 8],
        [1, 8],
      ],
      [true, true, 'enough'],
    ],
    [
      'by both',
      [feed(1, 7, kept(8))],
      [
        [1, 9],
        [1, 8],
        [1, 7],
      ],
      [true, true, 'enough'],
    ],
    [
      'by both, the number being less',
      [feed(1, 7, kept(1))],
      [
        [1, 9],
        [1, 6],
        [1, 1],
      ],
      [true, true, 'enough'],
    ],
    [
      'one feed, not its neighbour',
      [feed(1, 7), feed(2, 0), feed(3, 0, kept(8))],
      [
        [2, 9],
        [1, 9],
        [3, 8],
        [3, 8.5],
      ],
      [false, true, false, true],
    ],
    ['not what is no feed’s', [feed(1, 7)], [[4, 9]], [false]],
  ])('%s', (_what, feeds, ages, expected) => {
    expect(taken(feeds, ages)).toEqual(expected)
  })
})
