import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ContentNews, changedContent, contentChanged } from '../../src/tenants/content-version.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { type Publisher, startPublisher } from '../e2e/publisher.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { ApiGround } from './ground.js'
import { OwnRoute, textOf } from './own-route.js'

let ground: ApiGround
let publisher: Publisher
let acme: string
let items: string[] = []

beforeAll(async () => {
  publisher = await startPublisher((path, response) => {
    const all = path === '/moved' ? ['moved'] : items
    const list = all.map(
      title => `<item><title>${title}</title><guid>${title}</guid><link>https://example.com/${title}</link></item>`,
    )
    response.setHeader('content-type', 'application/rss+xml')
    response.end(`<rss version="2.0"><channel><title>F</title><link>https://example.com/</link>${list.join('')}</channel></rss>`)
  })
  // Longer than the test: what is seen was heard of.
  ground = await ApiGround.create({ FEEDCTL_API_CACHE_TTL_S: '3600', FEEDCTL_API_RATE: '0' })
  acme = await ground.tenant('acme')
})

afterAll(async () => {
  await ground[Symbol.asyncDispose]()
  await publisher[Symbol.asyncDispose]()
})

async function run(...argv: string[]): Promise<void> {
  expect(await ground.installation.run(argv)).toMatchObject({ exit: 0 })
}

async function titles(): Promise<string[]> {
  const { posts } = await ground.json<{ posts: { title: string }[] }>('/v1/posts', acme)
  return posts.map(post => post.title).sort()
}

async function feeds(): Promise<string[]> {
  const page = await ground.json<{ feeds: { url: string }[] }>('/v1/feeds', acme)
  return page.feeds.map(feed => feed.url)
}

async function version(slug = 'acme'): Promise<number> {
  const { catalog } = ground.app
  const row = await catalog.kysely.selectFrom('tenants').select('content_version').where('slug', '=', slug).executeTakeFirst()
  return row?.content_version ?? -1
}

describe('answers are anew after', () => {
  test('feeds are added, synced, pruned and removed in another process', async () => {
    expect([await titles(), await feeds()]).toEqual([[], []])
    const url = publisher.urlOf('/feed')
    await run('feed', 'add', 'acme', url)
    await expect.poll(feeds).toEqual([url])
    items = ['one', 'two']
    await run('sync', 'acme')
    await expect.poll(titles).toEqual(['one', 'two'])
    items = ['one', 'three']
    await run('sync', 'acme', '--force')
    await expect.poll(titles).toEqual(['one', 'three', 'two'])
    await run('feed', 'retention', 'acme', '--posts', '1')
    await run('feed', 'prune', 'acme')
    await expect.poll(async () => (await titles()).length).toBe(1)
    await run('feed', 'remove', 'acme', url)
    await expect.poll(titles).toEqual([])
    await expect.poll(feeds).toEqual([])
  })

  test('a sync that found news, and not after one that found none', async () => {
    items = ['first']
    await run('feed', 'add', 'acme', publisher.urlOf('/again'))
    const added = await version()
    await run('sync', 'acme', '--force')
    const synced = await version()
    expect(synced).toBeGreaterThan(added)
    await run('sync', 'acme', '--force')
    expect(await version()).toBe(synced)
    items = ['first', 'second']
    await run('sync', 'acme', '--force')
    expect(await version()).toBeGreaterThan(synced)
  })

  test('a feed of this API was added or removed, at once', async () => {
    const url = publisher.urlOf('/moved')
    const before = (await ground.installation.feeds('acme')).map(feed => feed.url)
    // What the tests before it have changed elsewhere is heard of by now.
    await expect.poll(feeds).toEqual(before)
    const headers = { authorization: `Bearer ${acme}`, 'content-type': 'application/json' }
    const added = await ground.ask('/v1/feeds', { method: 'POST', headers, body: JSON.stringify({ url }) })
    expect(added.status, added.body.toString()).toBeLessThan(300)
    expect(await feeds()).toEqual([...before, url])
    const { feeds: listed } = await ground.json<{ feeds: { id: number; url: string }[] }>('/v1/feeds', acme)
    const id = listed.find(feed => feed.url === url)?.id
    const removed = await ground.ask(`/v1/feeds/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${acme}` } })
    expect(removed.status).toBeLessThan(300)
    expect(await feeds()).toEqual(before)
  })

  test('a feed of this API was added or removed while nobody could be told, here at once and elsewhere with the next try', async () => {
    const token = await ground.tenant('untold')
    const { kysely } = ground.app.catalog
    const urls = async () => (await ground.json<{ feeds: { url: string }[] }>('/v1/feeds', token)).feeds.map(({ url }) => url)
    const change = async (method: string, path: string, body?: string) => {
      const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      const { status } = await ground.ask(path, { method, headers, ...(body === undefined ? {} : { body }) })
      return status
    }
    const untold = async (deed: () => Promise<number>): Promise<number> => {
      await sql`create trigger mute before update on tenants begin select raise(abort, 'mute'); end`.execute(kysely)
      const status = await deed()
      await sql`drop trigger mute`.execute(kysely)
      return status
    }
    const add = () => change('POST', '/v1/feeds', JSON.stringify({ url: 'https://a.example/' }))
    const remove = () => change('DELETE', '/v1/feeds/1')
    for (const [deed, again, left] of [
      [add, 200, ['https://a.example/']],
      [remove, 404, []],
    ] as const) {
      await urls()
      expect(await untold(deed)).toBeGreaterThanOrEqual(500)
      expect(await urls()).toEqual(left)
      const before = await version('untold')
      expect(await deed()).toBe(again)
      expect(await version('untold')).toBeGreaterThan(before)
    }
  })
})

describe('a catalog', () => {
  test('that was restored from a backup, with versions of the past, is believed', async () => {
    const token = await ground.tenant('restored')
    const { catalog } = ground.app
    const { id } = await getTenant(catalog, parseSlug('restored'))
    for (let n = 0; n < 5; n++) await contentChanged(catalog, id)
    await using own = await OwnRoute.serve(ground.app, async () => ({ n: own.built.length }))
    expect(textOf(await own.get(token))).toBe('{"n":1}')
    await catalog.kysely.updateTable('tenants').set({ content_version: 1 }).where('id', '=', id).execute()
    await contentChanged(catalog, id)
    await expect.poll(async () => textOf(await own.get(token))).toBe('{"n":2}')
    await contentChanged(catalog, id)
    await expect.poll(async () => textOf(await own.get(token))).toBe('{"n":3}')
  })

  test('without the row of a tenant ends its answers when their time is over', async () => {
    await using place = await ApiGround.create({ FEEDCTL_API_CACHE_TTL_S: '1' })
    const token = await place.tenant('gone')
    await using own = await OwnRoute.serve(place.app, async () => ({}))
    expect((await own.get(token)).status).toBe(200)
    await place.app.catalog.kysely.deleteFrom('tenants').where('slug', '=', 'gone').execute()
    await expect.poll(async () => (await own.get(token)).status).toBe(401)
  })
})

describeDatabases('changes of content', env => {
  test('are seen by the clock of the database, the neighbour is not among them, and old ones are not for ever', async () => {
    const place = await openInstallation(env)
    const [mine, neighbour] = [await tenantIn(place, 'mine', 'shared'), await tenantIn(place, 'mine-2', 'shared')]
    const { catalog } = place
    await contentChanged(catalog, mine.id)
    await contentChanged(catalog, mine.id)
    expect(await changedContent(catalog, 60_000)).toEqual([
      {
        id: mine.id,
        version: 2,
        state: 'active',
        tokenHash: expect.any(String),
        host: 'default',
        database: mine.placement.database,
      },
    ])
    const row = await catalog.kysely.selectFrom('tenants').selectAll().where('id', '=', mine.id).executeTakeFirstOrThrow()
    expect(Math.abs(row.content_changed_at - Date.now())).toBeLessThan(60_000)
    const longAgo = row.content_changed_at - 100_000
    await catalog.kysely.updateTable('tenants').set({ content_changed_at: longAgo }).where('id', '=', mine.id).execute()
    expect(await changedContent(catalog, 60_000)).toEqual([])
    // After an outage the look goes back to the last one.
    expect((await changedContent(catalog, 200_000)).map(change => change.id)).toEqual([mine.id])
    expect(neighbour.id).not.toBe(mine.id)
  })

  test('that follow each other closely are told together, or by who writes the row anyway', async () => {
    const place = await openInstallation(env)
    const { catalog } = place
    const tenant = await tenantIn(place, 'busy', 'shared')
    const versionNow = async () =>
      (await catalog.kysely.selectFrom('tenants').select('content_version').where('id', '=', tenant.id).executeTakeFirstOrThrow())
        .content_version
    const news = new ContentNews(catalog, tenant.id, 3_600_000)
    expect([news.take(), await news.tell(), await versionNow()]).toEqual([false, null, 0])
    news.add()
    news.add()
    expect([news.take(), news.take(), await versionNow()]).toEqual([true, false, 0])
    news.add()
    news.add()
    expect([await news.tell(), await news.tell(), await versionNow()]).toEqual([null, null, 1])
    const soon = new ContentNews(catalog, tenant.id, 10)
    for (let n = 0; n < 5; n++) soon.add()
    await expect.poll(versionNow).toBe(2)
  })
})
