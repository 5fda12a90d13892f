import { expect, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { startPublisher } from '../e2e/publisher.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import type { TestEnv } from '../support/drivers.js'
import { Conformance, type OpenApiDocument } from './conformance.js'
import { type Answer, ApiGround } from './ground.js'

const JSON_BODY = 'application/json'

const CACHES: [string, TestEnv][] = [
  ['kept', {}],
  ['not kept', { FEEDCTL_API_CACHE_BYTES: '0' }],
]

test.each(CACHES)('what the routes of a tenant that has everything answer is as the document says, %s', async (_how, cache) => {
  await using publisher = await startPublisher((path, response) => {
    if (path === '/moved') response.writeHead(301, { location: '/gone' }).end()
    else response.writeHead(410).end()
  })
  await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '0', ...cache })
  const token = await ground.tenant('acme')
  const document = JSON.parse((await ground.ask('/openapi.json')).body.toString()) as OpenApiDocument
  const conformance = new Conformance(document)
  const mine = await TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug('acme')), 2)
  await mine.store(
    [
      post('bare', { url: null }),
      post('full', {
        author: 'Ann',
        publishedAt: 1_000,
        updatedAt: 2_000,
        image: 'https://example.org/i.png',
        categories: ['a'],
        enclosures: [
          { url: 'https://example.org/a', type: null, bytes: null },
          { url: 'https://example.org/b', type: 'audio/mpeg', bytes: 7 },
        ],
      }),
    ],
    5_000,
  )
  const alert = JSON.stringify({ code: 'GUID_CHURN', message: 'm', at: 5_000 })
  await mine.on(tables => tables.transaction(tx => tx.updateFeeds().set({ alert }).where('id', '=', 1).execute()))
  await ground.file('acme', { name: 'a.png' })
  await ground.file('acme', { name: 'b.png', state: 'seen', type: null })

  const faults = async (method: string, path: string, query = '', body?: string, type = JSON_BODY) => {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) }
    const asked = `${path.replace('{id}', '1')}${query}`
    const answer = await ground.ask(asked, { method, headers, ...(body === undefined ? {} : { body }) })
    expect([asked, answer.status]).toEqual([asked, expect.toSatisfy((status: number) => status < 300)])
    return [...conformance.faults(method, path, answer), ...(await unchangedFaults(method, path, asked, answer))]
  }
  /** Of the same again, from who has it. */
  const unchangedFaults = async (method: string, path: string, asked: string, { headers }: Answer) => {
    if (headers.etag === undefined) return []
    unchanged.push(path)
    const again = await ground.ask(asked, { headers: { authorization: `Bearer ${token}`, 'if-none-match': headers.etag } })
    expect([asked, again.status, again.body.length]).toEqual([asked, 304, 0])
    return conformance.faults(method, path, again)
  }
  const unchanged: string[] = []
  const changes = [
    await faults('POST', '/v1/feeds', '', JSON.stringify({ urls: [publisher.urlOf('/moved'), publisher.urlOf('/gone')] })),
    await faults('POST', '/v1/feeds', '', JSON.stringify({ url: publisher.urlOf('/gone') })),
    await faults('POST', '/v1/feeds/opml', '', '<opml><body><outline xmlUrl="https://a.example/"/></body></opml>', 'text/xml'),
  ]
  // One of the sources is gone for good, which makes it fail.
  await ground.installation.run(['sync', 'acme'])
  const found = [
    ...changes,
    await faults('GET', '/v1/posts', '?limit=1'),
    await faults('GET', '/v1/posts', '?include=content'),
    await faults('GET', '/v1/posts/{id}'),
    await faults('GET', '/v1/feeds', '?limit=1'),
    await faults('GET', '/v1/feeds'),
    await faults('GET', '/v1/feeds/{id}'),
    await faults('GET', '/v1/feeds.opml'),
    await faults('GET', '/v1/usage'),
    await faults('GET', '/v1/media', '?limit=1'),
    await faults('GET', '/v1/media'),
    await faults('GET', '/v1/media/{id}'),
    await faults('DELETE', '/v1/feeds/{id}'),
  ]
  expect(found.flat()).toEqual([])
  expect(new Set(unchanged)).toEqual(new Set(['/v1/posts', '/v1/posts/{id}', '/v1/feeds', '/v1/feeds/{id}']))
  const { feeds } = await ground.json<{ feeds: { state: string }[] }>('/v1/feeds', token)
  expect(feeds.map(({ state }) => state)).toContain('retired')
})
