import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildApi } from '../../src/api/build.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDatabases } from '../tenants/installation.js'
import { ApiGround } from './ground.js'
import { answerCounts } from './own-route.js'

const LISTS = ['/v1/posts', '/v1/feeds', '/v1/media']
const MINE = 2
const THEIRS = 6

const PLACES = ['dedicated', 'shared'].flatMap(placement => [
  { placement, cache: 'kept', settings: {} },
  { placement, cache: 'not kept', settings: { FEEDCTL_API_CACHE_BYTES: '0' } },
])

for (const { placement, cache, settings } of PLACES)
  describeDatabases(`of another tenant in ${placement} placement, with answers ${cache}, nothing can be told`, env => {
    let ground: ApiGround
    const tokens: Record<string, string> = {}

    beforeAll(async () => {
      ground = await ApiGround.create({ ...env, FEEDCTL_API_RATE: '0', ...settings })
      for (const [slug, count] of [
        ['acme', MINE],
        ['acme-2', THEIRS],
      ] as const) {
        tokens[slug] = await ground.tenant(slug, ['--placement', placement])
        const feeds = await TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug(slug)), count)
        for (let place = 0; place < count; place++) {
          await feeds.store([post(`${slug} ${place}`)], 5, place)
          await ground.file(slug, { name: `${slug} ${place}.png` })
        }
      }
    })

    afterAll(() => ground[Symbol.asyncDispose]())

    const askOnce = async (slug: string, method: string, path: string) => {
      const answer = await ground.ask(path, { method, headers: { authorization: `Bearer ${tokens[slug]}` } })
      const told = answer.body.length === 0 ? {} : (JSON.parse(answer.body.toString()) as Record<string, unknown>)
      return { status: answer.status, ...told, request_id: '' }
    }

    /** What may be kept is asked for thrice: built, kept, and sent as it is kept. */
    const ask = async (slug: string, method: string, path: string) => {
      const first = await askOnce(slug, method, path)
      if (method !== 'GET' || path.startsWith('/v1/media')) return first
      for (let again = 0; again < 2; again++) expect(await askOnce(slug, method, path)).toEqual(first)
      return first
    }

    test('by an id of theirs, which is answered as one that nobody has', async () => {
      const built = await buildApi(ground.app)
      const routes = built.routes.filter(({ url }) => url.startsWith('/v1/') && url.includes(':'))
      await built.server.close()
      await built.close()
      expect(routes.map(({ method, url }) => `${method} ${url}`)).toEqual(
        expect.arrayContaining(['GET /v1/posts/:id', 'GET /v1/feeds/:id', 'DELETE /v1/feeds/:id', 'GET /v1/media/:id']),
      )
      for (const { method, url } of routes) {
        const byId = (id: number) => url.replace(/:\w+/, String(id))
        if (method === 'GET') expect(await ask('acme-2', method, byId(THEIRS))).toMatchObject({ status: 200, id: THEIRS })
        const [theirs, nobodys] = [await ask('acme', method, byId(THEIRS)), await ask('acme', method, byId(999))]
        expect([method, url, theirs.status]).toEqual([method, url, 404])
        expect(theirs).toEqual(nobodys)
      }
      expect(await ask('acme', 'GET', `/v1/posts?feed=${THEIRS}`)).toEqual(await ask('acme', 'GET', '/v1/posts?feed=999'))
      expect(await ask('acme', 'GET', `/v1/posts?feed=${THEIRS}`)).toMatchObject({ status: 404, code: 'FEED_NOT_FOUND' })
      expect(await ask('acme-2', 'GET', `/v1/feeds/${THEIRS}`)).toMatchObject({ status: 200 })
    })

    test('while answers come from where they are to come from', async () => {
      const counts = await answerCounts(ground.api.built.metrics)
      expect({ near: 0, ...counts }.near > 0).toBe(cache === 'kept')
    })

    test('by lists, nor with cursors of theirs', async () => {
      for (const list of LISTS) {
        const whole = JSON.stringify(await ask('acme', 'GET', list))
        expect(whole).toContain('acme')
        expect(whole).not.toContain('acme-2')
        const { next } = (await ask('acme-2', 'GET', `${list}?limit=1`)) as { next?: unknown }
        const named = list === '/v1/media' ? 'after' : 'cursor'
        const beyond = JSON.stringify(await ask('acme', 'GET', `${list}?${named}=${next}`))
        expect(beyond).toContain('"status":200')
        expect(beyond).not.toContain('acme-2')
      }
      const opml = await ground.ask('/v1/feeds.opml', { headers: { authorization: `Bearer ${tokens.acme}` } })
      expect(opml.body.toString()).toContain('https://acme.example/0.xml')
      expect(opml.body.toString()).not.toContain('acme-2')
      expect(await ask('acme', 'GET', '/v1/usage')).toMatchObject({ feeds: MINE, posts: MINE, media: { files: MINE } })
    })

    test('by what one of them removes: the other keeps the same ids', async () => {
      const before = await ask('acme-2', 'GET', '/v1/posts')
      expect(await ask('acme', 'DELETE', '/v1/feeds/1')).toMatchObject({ status: 200, posts: 1 })
      expect(await ask('acme', 'GET', '/v1/posts')).toMatchObject({ posts: [{ feed: { id: 2 } }] })
      expect(await ask('acme-2', 'GET', '/v1/posts')).toEqual(before)
      expect(await ask('acme-2', 'GET', '/v1/feeds/1')).toMatchObject({ status: 200 })
    })
  })
