import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { findByToken } from '../../src/tenants/tokens.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDatabases } from '../tenants/installation.js'
import { ApiGround } from './ground.js'
import { statementsOf } from './statements.js'

describeDatabases('a request costs the database', env => {
  let ground: ApiGround
  let acme: string
  /** Of who finds out whose token it is: none, where that is known. */
  let authorisation: number

  beforeAll(async () => {
    ground = await ApiGround.create({ ...env, FEEDCTL_API_RATE: '0', FEEDCTL_API_CACHE_BYTES: '0' })
    acme = await ground.tenant('acme')
    const mine = await TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug('acme')), 30)
    for (let place = 0; place < 30; place++)
      await mine.store(
        [1, 2, 3, 4].map(n => post(`${place} ${n}`)),
        place,
        place,
      )
    await ground.file('acme', { name: 'a.png' })
    authorisation = await statementsOf(ground, () => ground.ask('/v1/posts/x', { headers: { authorization: `Bearer ${acme}` } }))
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  const costOf = async (path: string) => (await statementsOf(ground, () => ground.json(path, acme))) - authorisation

  test('one statement at most to find out whose token it is', async () => {
    expect(await statementsOf(ground, () => findByToken(ground.app.catalog, acme))).toBe(1)
    expect(authorisation).toBeLessThanOrEqual(1)
  })

  test.each([1, 20, 100])('one statement for %d posts of many feeds', async limit => {
    const { posts } = await ground.json<{ posts: { feed: { id: number } }[] }>(`/v1/posts?limit=${limit}`, acme)
    expect(posts).toHaveLength(limit)
    expect(new Set(posts.map(({ feed }) => feed.id)).size).toBe(Math.ceil(limit / 4))
    expect(await costOf(`/v1/posts?limit=${limit}`)).toBe(1)
    expect(await costOf(`/v1/posts?limit=${limit}&include=content`)).toBe(1)
  })

  test('one statement for any page of posts, however they are filtered', async () => {
    const { next } = await ground.json<{ next: string }>('/v1/posts?limit=50', acme)
    for (const query of [
      `cursor=${next}`,
      'feed=3',
      'since=0&until=20',
      'q=1%201',
      `feed=3&since=0&until=20&q=1&include=content`,
    ])
      expect([query, await costOf(`/v1/posts?${query}`)]).toEqual([query, 1])
  })

  test('a second one only for a page of a feed without posts', async () => {
    expect(await costOf('/v1/posts?feed=3&q=nowhere')).toBe(2)
    expect(await costOf('/v1/posts?q=nowhere')).toBe(1)
  })

  test.each([
    ['/v1/posts/1', 1],
    ['/v1/feeds', 2],
    ['/v1/feeds?limit=1', 2],
    ['/v1/feeds/1', 2],
    ['/v1/usage', 1],
    ['/v1/media', 1],
    ['/v1/media/1', 1],
  ])('for %s: %d', async (path, statements) => {
    expect(await costOf(path)).toBe(statements)
  })
})
