import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentChanged } from '../../src/tenants/content-version.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { startPublisher } from '../e2e/publisher.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDatabases } from '../tenants/installation.js'
import { type Answer, ApiGround, errorCode } from './ground.js'

interface FeedJson {
  readonly id: number
  readonly url: string
  readonly state: string
}

interface PageJson {
  readonly feeds: FeedJson[]
  readonly next: string | null
}

const NEVER_ASKED = {
  title: null,
  state: 'new',
  stored_at: null,
  checked_at: null,
  next_check_at: null,
  moved_to: null,
  failure: null,
  alert: null,
}

describeDatabases('feeds over the API', env => {
  let ground: ApiGround
  let turn = 0

  beforeAll(async () => {
    ground = await ApiGround.create({ ...env, FEEDCTL_API_RATE: '0', FEEDCTL_MAX_FEEDS: '12' })
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  /** A tenant without feeds, and what can be done with its token. */
  const tenant = async () => {
    const slug = `t-${++turn}`
    const token = await ground.tenant(slug)
    const headers = { authorization: `Bearer ${token}` }
    const send = (method: string, path: string, body?: unknown): Promise<Answer> =>
      body === undefined
        ? ground.ask(path, { method, headers })
        : ground.ask(path, {
            method,
            headers: { ...headers, 'content-type': 'application/json' },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          })
    const add = async (body: unknown) => {
      const answer = await send('POST', '/v1/feeds', body)
      return { status: answer.status, ...(JSON.parse(answer.body.toString()) as { added: FeedJson[]; existing: FeedJson[] }) }
    }
    const list = (query = '') => ground.json<PageJson>(`/v1/feeds${query}`, token)
    return { slug, token, send, add, list }
  }

  const refusalOf = (answer: Answer) => [answer.status, errorCode(answer)]

  describe('GET /v1/feeds', () => {
    test('is empty at first, and shows what was added at once', async () => {
      const { list, add } = await tenant()
      expect(await list()).toEqual({ feeds: [], next: null })
      await add({ url: 'https://a.example/feed.xml' })
      expect(await list()).toEqual({ feeds: [{ id: 1, url: 'https://a.example/feed.xml', ...NEVER_ASKED }], next: null })
      await add({ url: 'https://b.example/', title: ' Mine ' })
      expect((await list()).feeds[1]).toEqual({ id: 2, url: 'https://b.example/', ...NEVER_ASKED, title: 'Mine' })
    })

    test('goes on where a page ended', async () => {
      const { list, add } = await tenant()
      await add({ urls: Array.from({ length: 7 }, (_, n) => `https://${n}.example/`) })
      const ids: number[] = []
      for (let cursor: string | null = '', pages = 0; cursor !== null && pages < 9; pages++) {
        const page: PageJson = await list(`?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
        ids.push(...page.feeds.map(({ id }) => id))
        cursor = page.next
      }
      expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7])
    })

    test('says how feeds do', async () => {
      await using publisher = await startPublisher((path, response) => {
        if (path === '/gone') response.writeHead(404).end()
        else
          response.end(
            '<rss version="2.0"><channel><title>T</title><item><guid>1</guid><title>One</title></item></channel></rss>',
          )
      })
      const { slug, add, list, token } = await tenant()
      await add({ urls: [publisher.urlOf('/feed'), publisher.urlOf('/gone')] })
      await ground.installation.sync(slug)
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      // What another process changed is seen soon, not at once.
      await expect.poll(async () => (await list()).feeds.map(({ state }) => state)).toEqual(['active', 'failing'])
      const { feeds } = await list()
      expect(feeds[0]).toMatchObject({ title: 'T', stored_at: time, checked_at: time, next_check_at: time, failure: null })
      expect(feeds[1]).toMatchObject({
        stored_at: null,
        failure: { code: 'FEED_HTTP_STATUS', message: expect.any(String), count: 1 },
      })
      expect(await ground.json('/v1/feeds/1', token)).toEqual(feeds[0])
    })

    test('does not say what was checked for others before it was added', async () => {
      await using publisher = await startPublisher((_path, response) => response.writeHead(404).end())
      const url = publisher.urlOf('/gone')
      const [first, second] = [await tenant(), await tenant()]
      await first.add({ url })
      await ground.installation.sync(first.slug)
      await expect.poll(async () => (await first.list()).feeds).toMatchObject([{ state: 'failing' }])
      await second.add({ url })
      const unknown = { id: 1, url, ...NEVER_ASKED }
      expect((await second.list()).feeds).toEqual([unknown])
      expect(await ground.json('/v1/feeds/1', second.token)).toEqual(unknown)
      await ground.installation.run(['sync', second.slug, '--force'])
      // How a source does may be shown as late as answers are kept.
      await contentChanged(ground.app.catalog, (await getTenant(ground.app.catalog, parseSlug(second.slug))).id)
      await expect.poll(async () => (await second.list()).feeds).toMatchObject([{ state: 'failing', failure: { count: 2 } }])
    })

    test.each(['limit=0', 'limit=501', 'limit=x', 'after=1', 'cursor=1&cursor=2'])('refuses ?%s', async query => {
      const { send } = await tenant()
      expect(refusalOf(await send('GET', `/v1/feeds?${query}`))).toEqual([400, 'USAGE'])
    })

    test('refuses a cursor that it did not give', async () => {
      const { send } = await tenant()
      for (const cursor of ['x', Buffer.from('1.2').toString('base64url'), Buffer.from('1 or 1').toString('base64url')])
        expect(refusalOf(await send('GET', `/v1/feeds?cursor=${cursor}`))).toEqual([400, 'CURSOR_INVALID'])
    })
  })

  describe('POST /v1/feeds', () => {
    test('adds feeds, tells those that were there, and makes the tenant due', async () => {
      const { slug, add } = await tenant()
      const { catalog } = ground.app
      await catalog.kysely.updateTable('tenants').set({ next_sync_at: 9e12 }).where('slug', '=', slug).execute()
      expect(await add({ url: 'HTTPS://A.example:443/feed#top' })).toEqual({
        status: 201,
        added: [{ id: 1, url: 'https://a.example/feed' }],
        existing: [],
      })
      const due = await catalog.kysely.selectFrom('tenants').select('next_sync_at').where('slug', '=', slug).executeTakeFirst()
      expect(due).toEqual({ next_sync_at: null })
      expect(
        await add({ urls: ['https://b.example/', 'https://a.example/feed', 'feed://b.example/', 'http://b.example'] }),
      ).toEqual({
        status: 201,
        added: [
          { id: 2, url: 'https://b.example/' },
          { id: 3, url: 'http://b.example/' },
        ],
        existing: [
          { id: 1, url: 'https://a.example/feed' },
          { id: 3, url: 'http://b.example/' },
        ],
      })
      expect(await add({ url: 'https://a.example/feed' })).toMatchObject({ status: 200, added: [], existing: [{ id: 1 }] })
    })

    test.each([
      ['nonsense', 'URL_INVALID'],
      ['ftp://a.example/', 'URL_INVALID'],
      ['https://user:secret@a.example/', 'URL_INVALID'],
      [`https://a.example/${'x'.repeat(2000)}`, 'URL_INVALID'],
      ['http://10.0.0.1/', 'ADDRESS_REFUSED'],
      ['http://169.254.169.254/latest/meta-data', 'ADDRESS_REFUSED'],
      ['http://[::ffff:10.0.0.1]/', 'ADDRESS_REFUSED'],
      ['http://0x0a000001/', 'ADDRESS_REFUSED'],
      ['http://1.2.3.4:22/', 'ADDRESS_REFUSED'],
    ])('refuses %s, and adds nothing of the request', async (url, code) => {
      const { send, list } = await tenant()
      const answer = await send('POST', '/v1/feeds', { urls: ['https://good.example/', url] })
      expect(refusalOf(answer)).toEqual([400, code])
      expect(JSON.parse(answer.body.toString())).toMatchObject({ hint: null })
      expect(answer.body.toString()).not.toContain('secret')
      expect((await list()).feeds).toEqual([])
    })

    test('refuses more feeds than a tenant may have, and adds none of them', async () => {
      const { send, list } = await tenant()
      const urls = Array.from({ length: 13 }, (_, n) => `https://${n}.example/`)
      expect(refusalOf(await send('POST', '/v1/feeds', { urls }))).toEqual([409, 'FEEDS_TOO_MANY'])
      expect((await list()).feeds).toEqual([])
      expect((await send('POST', '/v1/feeds', { urls: urls.slice(1) })).status).toBe(201)
    })

    test('lets one of many that add the same feed at once add it', async () => {
      const { add, list } = await tenant()
      const all = await Promise.all(Array.from({ length: 6 }, () => add({ url: 'https://a.example/' })))
      expect(all.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 201])
      expect((await list()).feeds).toHaveLength(1)
    })

    test.each([
      {},
      [],
      null,
      { url: 1 },
      { url: '' },
      { urls: [] },
      { urls: ['https://a.example/', 7] },
      { url: 'https://a.example/', urls: ['https://b.example/'] },
      { url: 'https://a.example/', title: '' },
      { url: 'https://a.example/', tenant: 'other' },
      { urls: ['https://a.example/'], title: 'x' },
      { urls: Array.from({ length: 1001 }, () => 'https://a.example/') },
      '{"url":',
    ])('refuses the body %j', async body => {
      const { send, list } = await tenant()
      expect(refusalOf(await send('POST', '/v1/feeds', body))).toEqual([400, 'BODY_INVALID'])
      expect((await list()).feeds).toEqual([])
    })
  })

  describe('DELETE /v1/feeds/:id', () => {
    test('removes a feed with its posts, and leaves the others', async () => {
      const { slug, token, send, list } = await tenant()
      const mine = await TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug(slug)), 2)
      await mine.store([post('a'), post('b')], 5, 0)
      await mine.store([post('c')], 5, 1)
      const removed = await send('DELETE', '/v1/feeds/1')
      expect([removed.status, JSON.parse(removed.body.toString())]).toEqual([
        200,
        { id: 1, url: `https://${slug}.example/0.xml`, posts: 2 },
      ])
      expect((await list()).feeds.map(({ id }) => id)).toEqual([2])
      const { posts } = await ground.json<{ posts: { title: string }[] }>('/v1/posts', token)
      expect(posts.map(({ title }) => title)).toEqual(['c'])
      for (const method of ['GET', 'DELETE'])
        expect(refusalOf(await send(method, '/v1/feeds/1'))).toEqual([404, 'FEED_NOT_FOUND'])
      expect(refusalOf(await send('GET', '/v1/posts?feed=1'))).toEqual([404, 'FEED_NOT_FOUND'])
    })

    test.each(['0', 'x', '1.5', '-1', 'https%3A%2F%2Fa.example%2F'])('refuses the id %s', async id => {
      const { send, add } = await tenant()
      await add({ url: 'https://a.example/' })
      for (const method of ['GET', 'DELETE']) expect(refusalOf(await send(method, `/v1/feeds/${id}`))).toEqual([400, 'USAGE'])
    })
  })
})
