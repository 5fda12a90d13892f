import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDatabases } from '../tenants/installation.js'
import { ApiGround, errorCode } from './ground.js'

interface PostJson {
  readonly id: number
  readonly feed: { readonly id: number; readonly title: string | null; readonly url: string }
  readonly title: string
  readonly content?: string
}

interface PageJson {
  readonly posts: PostJson[]
  readonly next: string | null
}

const DAY = Date.UTC(2026, 0, 1)

describeDatabases('posts over the API', env => {
  let ground: ApiGround
  let acme: string
  let mine: TenantFeeds

  beforeAll(async () => {
    // What is stored past the API would not be seen at once.
    ground = await ApiGround.create({ ...env, FEEDCTL_API_RATE: '0', FEEDCTL_API_CACHE_BYTES: '0' })
    acme = await ground.tenant('acme')
    mine = await TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug('acme')), 2)
    const enclosures = [{ url: 'https://example.org/a.mp3', type: null, bytes: null }]
    const full = { author: 'Ann', updatedAt: DAY + 60_000, image: 'https://example.org/i.png', categories: ['x'], enclosures }
    for (const place of [0, 1])
      await mine.store(
        Array.from({ length: 15 }, (_, n) => post(`${place} ${n}`, { ...full, publishedAt: DAY + n * 1000 })),
        DAY + 100_000,
        place,
      )
    await mine.store([post('Ärger', { url: null, content: '' })], DAY + 200_000, 0)
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  const page = (query = '') => ground.json<PageJson>(`/v1/posts${query}`, acme)
  const refusal = async (path: string) => {
    const answer = await ground.ask(path, { headers: { authorization: `Bearer ${acme}` } })
    return [answer.status, errorCode(answer)]
  }

  describe('GET /v1/posts', () => {
    test('lists the newest 20, without their contents', async () => {
      const { posts, next } = await page()
      expect([posts.length, next]).toEqual([20, expect.stringMatching(/^[\w-]{8,40}$/)])
      expect(posts.map(({ title }) => title).slice(0, 4)).toEqual(['Ärger', '1 14', '0 14', '1 13'])
      const { id, url } = await mine.feed(1)
      expect(posts[1]).toEqual({
        id: 16,
        feed: { id, title: 'Example', url },
        title: '1 14',
        url: 'https://example.org/1%2014',
        author: 'Ann',
        published_at: '2026-01-01T00:00:14.000Z',
        updated_at: '2026-01-01T00:01:00.000Z',
        image: 'https://example.org/i.png',
        categories: ['x'],
        enclosures: [{ url: 'https://example.org/a.mp3', type: null, bytes: null }],
      })
      expect(posts[0]).toMatchObject({ url: null, author: null, published_at: null, updated_at: null, image: null })
    })

    test.each([1, 3, 7, 100])('goes on where a page ended, %d at a time', async limit => {
      const ids: number[] = []
      for (let cursor: string | null = '', pages = 0; cursor !== null && pages < 40; pages++) {
        const { posts, next }: PageJson = await page(`?limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`)
        expect(posts.length).toBe(Math.min(limit, 31 - ids.length))
        ids.push(...posts.map(({ id }) => id))
        cursor = next
      }
      const rows = (await mine.posts()).toSorted((a, b) => b.sort_at - a.sort_at || b.id - a.id)
      expect(ids).toEqual(rows.map(({ id }) => id))
    })

    test('includes contents where they are asked for', async () => {
      const { posts } = await page('?limit=2&include=content')
      expect(posts.map(({ content }) => content)).toEqual(['', '<p>1 14</p>'])
    })

    test('filters by feed, time and words of the title', async () => {
      const { id } = await mine.feed(1)
      const titles = async (query: string) => (await page(query)).posts.map(({ title }) => title)
      expect(await titles(`?feed=${id}&since=2026-01-01T01:00:12%2B01:00`)).toEqual(['1 14', '1 13', '1 12'])
      expect(await titles(`?feed=${id}&since=${DAY + 3000}&until=2026-01-01T00:00:05Z`)).toEqual(['1 4', '1 3'])
      expect(await titles('?until=2026-01-01')).toEqual([])
      expect(await titles('?q=%C3%84RGER')).toEqual(['Ärger'])
      expect(await titles('?q=%25')).toEqual([])
      expect(await titles(`?feed=${id}&q=%201%2014%20`)).toEqual(['1 14'])
    })

    test('tells an empty page of a feed from a feed that is not there', async () => {
      const { id } = await mine.feed(1)
      expect(await page(`?feed=${id}&since=2027-01-01`)).toEqual({ posts: [], next: null })
      expect(await refusal('/v1/posts?feed=99')).toEqual([404, 'FEED_NOT_FOUND'])
    })

    test.each([
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=',
      'limit=1e1',
      'limit=1&limit=2',
      'feed=0',
      'feed=x',
      'since=yesterday',
      'since=2026-01-01T10:00:00',
      'since=2026-02-31T25:00:00Z',
      'until=999999999999999',
      'q=',
      'q=%20',
      'q=%00',
      `q=${'x'.repeat(101)}`,
      'include=all',
      'page=2',
      'feed[]=1',
    ])('refuses ?%s', async query => {
      expect(await refusal(`/v1/posts?${query}`)).toEqual([400, 'USAGE'])
    })

    const written = (text: string) => Buffer.from(text).toString('base64url')
    test.each([
      ['that is empty', ''],
      ['that is a word', 'null'],
      ['that holds a NUL', '%00'],
      ['of another list', written('17')],
      ['of too much', written('1.2.3')],
      ['of no number', written('1.x')],
      ['of an odd number', written('1e3.2')],
      ['of a number written otherwise', written('01.2')],
      ['of a number that is too large', written(`${'9'.repeat(16)}.1`)],
      ['of SQL', written("1.2' or 1=1")],
      ['with more behind it', `${written('1.2')}!`],
      ['that is too long', 'A'.repeat(5000)],
    ])('refuses a cursor %s', async (_, cursor) => {
      expect(await refusal(`/v1/posts?cursor=${cursor}`)).toEqual([400, 'CURSOR_INVALID'])
    })
  })

  describe('GET /v1/posts/:id', () => {
    test('answers the post with its content', async () => {
      const { posts } = await page('?limit=2')
      const listed = posts[1]
      expect(await ground.json(`/v1/posts/${listed?.id}`, acme)).toEqual({ ...listed, content: '<p>1 14</p>' })
    })

    test('refuses what is not there, not there any more, or no id', async () => {
      await mine.store([post('short-lived', { publishedAt: DAY - 1 })], DAY + 300_000)
      const [id] = await mine.ids('short-lived')
      expect(await ground.json(`/v1/posts/${id}`, acme)).toMatchObject({ title: 'short-lived' })
      await mine.on(tables =>
        tables.transaction(tx =>
          tx
            .remove('posts')
            .where('id', '=', id ?? 0)
            .execute(),
        ),
      )
      expect(await refusal(`/v1/posts/${id}`)).toEqual([404, 'POST_NOT_FOUND'])
      expect(await refusal('/v1/posts/999')).toEqual([404, 'POST_NOT_FOUND'])
      for (const odd of ['0', 'x', '1.5', '-1', '1e3', '9'.repeat(16)])
        expect(await refusal(`/v1/posts/${odd}`)).toEqual([400, 'USAGE'])
    })
  })
})
