import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalUrl } from '../../src/api/answers/canonical.js'
import { contentChanged } from '../../src/tenants/content-version.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import type { TestEnv } from '../support/drivers.js'
import { type Answer, ApiGround } from './ground.js'
import { answerCounts, OwnRoute, textOf } from './own-route.js'

let ground: ApiGround
let acme: string
let globex: string

beforeAll(async () => {
  ground = await ApiGround.create({ FEEDCTL_API_CACHE_TTL_S: '3600' })
  acme = await ground.tenant('acme', ['--placement', 'shared'])
  globex = await ground.tenant('globex', ['--placement', 'shared'])
})

afterAll(() => ground[Symbol.asyncDispose]())

async function idOf(slug: string) {
  return (await getTenant(ground.app.catalog, parseSlug(slug))).id
}

/** The same but for what is of one request alone. */
function shape({ status, headers, body }: Answer) {
  const { date: _date, 'x-request-id': _id, ...rest } = headers
  return { status, headers: rest, body: body.toString() }
}

describe('an answer that is kept', () => {
  test('is sent past fastify as fastify sends it, each time with an id of its own', async () => {
    await using own = await OwnRoute.serve(ground.app, async url => ({ url, words: 'ÄÖÜ' }))
    const built = await own.get(acme)
    const kept = await own.get(acme)
    expect(own.built).toEqual(['/v1/own'])
    expect(JSON.parse(textOf(built))).toEqual({ url: '/v1/own', words: 'ÄÖÜ' })
    expect(shape(kept)).toEqual(shape(built))
    expect(kept.headers).toMatchObject({
      'cache-control': 'private, no-cache',
      vary: 'authorization',
      'x-content-type-options': 'nosniff',
      'content-length': String(built.body.length),
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
    })
    expect(kept.headers['x-request-id']).toMatch(/./)
    expect(kept.headers['x-request-id']).not.toBe(built.headers['x-request-id'])
    expect(await answerCounts(own.metrics)).toMatchObject({ near: 1, far: 0, built: 1, stale: 0, kept: 1, hit_ratio: 0.5 })
  })

  test('is not sent again to who has it, whichever way it goes', async () => {
    await using own = await OwnRoute.serve(ground.app, async () => ({ same: true }))
    const first = await own.get(acme)
    const etag = first.headers.etag ?? ''
    const short = await own.get(acme, '/v1/own', { 'if-none-match': etag })
    const [whole, weak, star, other] = await Promise.all([
      own.get(globex, '/v1/own', { 'if-none-match': etag }),
      own.get(acme, '/v1/own', { 'if-none-match': `"x", W/${etag}` }),
      own.get(acme, '/v1/own', { 'if-none-match': '*' }),
      own.get(acme, '/v1/own', { 'if-none-match': '"x"' }),
    ])
    expect([short, whole, weak, star, other].map(answer => answer.status)).toEqual([304, 304, 304, 304, 200])
    expect(short.body).toHaveLength(0)
    expect(short.headers.etag).toBe(etag)
    expect(shape(short)).toEqual(shape(whole))
  })

  test('answers HEAD without its body', async () => {
    await using own = await OwnRoute.serve(ground.app, async () => ({ same: true }))
    await own.get(acme)
    const { ask } = await import('./ground.js')
    const head = await ask(own.url, '/v1/own', { method: 'HEAD', headers: { authorization: `Bearer ${acme}` } })
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([200, 0, '13'])
  })

  test('is its own for every tenant, URL and query, and one for all orders of a query', async () => {
    await using own = await OwnRoute.serve(ground.app, async (url, { slug }) => ({ slug, url }))
    const paths = ['/v1/own', '/v1/own?a=1', '/v1/own?a=2', '/v1/own?a=1&a=2', '/v1/own?a=2&a=1', '/v1/own?b=1&a=1']
    for (const path of paths) {
      const ofAcme = [await own.get(acme, path), await own.get(acme, path)]
      const ofGlobex = [await own.get(globex, path), await own.get(globex, path)]
      expect(ofAcme.map(textOf)).toEqual(Array(2).fill(JSON.stringify({ slug: 'acme', url: path })))
      expect(ofGlobex.map(textOf)).toEqual(Array(2).fill(JSON.stringify({ slug: 'globex', url: path })))
    }
    const turned = [await own.get(acme, '/v1/own?a=1&b=1'), await own.get(acme, '/v1/own?a=1&b=1')]
    expect(turned.map(textOf)).toEqual(Array(2).fill(JSON.stringify({ slug: 'acme', url: '/v1/own?b=1&a=1' })))
    expect(own.built).toHaveLength(paths.length * 2)
  })

  test('is built once, however many ask at the same time', async () => {
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    await using own = await OwnRoute.serve(ground.app, async () => {
      await held
      return { n: own.built.length }
    })
    const asking = Array.from({ length: 50 }, () => own.get(acme))
    await expect.poll(() => own.built.length).toBe(1)
    release()
    expect(new Set((await Promise.all(asking)).map(textOf))).toEqual(new Set(['{"n":1}']))
    expect(own.built).toHaveLength(1)
  })

  test('that fails is kept by nobody', async () => {
    let fails = true
    await using own = await OwnRoute.serve(ground.app, async () => {
      if (fails) throw new Error('a bug')
      return {}
    })
    expect((await own.get(acme)).status).toBe(500)
    fails = false
    expect((await own.get(acme)).status).toBe(200)
  })

  test('does not count when the tenant changed while it was built', async () => {
    const id = await idOf('acme')
    let during: (own: OwnRoute) => void | Promise<void> = own => own.forget(id)
    await using own = await OwnRoute.serve(ground.app, async () => {
      const n = own.built.length
      await during(own)
      return { n }
    })
    expect(textOf(await own.get(acme))).toBe('{"n":1}')
    during = () => {}
    expect(textOf(await own.get(acme))).toBe('{"n":2}')
    expect(textOf(await own.get(acme))).toBe('{"n":2}')
    // Elsewhere: heard of within a second or so, and not before the build ends.
    during = () => contentChanged(ground.app.catalog, id)
    own.forget(id)
    expect(textOf(await own.get(acme))).toBe('{"n":3}')
    during = () => {}
    await expect.poll(async () => textOf(await own.get(acme))).toBe('{"n":4}')
  })

  test('is built anew for those who ask after a change here, while an older build is under way', async () => {
    const releases: (() => void)[] = []
    await using own = await OwnRoute.serve(ground.app, async () => {
      const n = own.built.length
      await new Promise<void>(resolve => releases.push(resolve))
      return { n }
    })
    const before = own.get(acme)
    await expect.poll(() => own.built.length).toBe(1)
    own.forget(await idOf('acme'))
    const after = own.get(acme)
    await expect.poll(() => own.built.length).toBe(2)
    for (const release of releases) release()
    expect([textOf(await before), textOf(await after)]).toEqual(['{"n":1}', '{"n":2}'])
    expect(textOf(await own.get(acme))).toBe('{"n":2}')
  })
})

describe('a slow answer', () => {
  test('does not have others of its tenant sent as if the database were away, least of all to who changed something', async () => {
    const held: (() => void)[] = []
    let edition = 1
    await using own = await OwnRoute.serve(ground.app, async url => {
      if (url.includes('slow')) await new Promise<void>(resolve => held.push(resolve))
      return { edition }
    })
    expect(textOf(await own.get(acme))).toBe('{"edition":1}')
    const slow = own.get(acme, '/v1/own?slow')
    await expect.poll(() => held.length).toBe(1)
    // Longer than there is patience.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    edition = 2
    own.forget(await idOf('acme'))
    const next = await own.get(acme)
    expect([textOf(next), next.headers['x-feedctl-stale']]).toEqual(['{"edition":2}', undefined])
    for (const release of held) release()
    expect((await slow).headers['x-feedctl-stale']).toBeUndefined()
    expect((await answerCounts(own.metrics)).stale).toBe(0)
  })
})

describe('posts', () => {
  test('that are kept cost no statement, and others one', async () => {
    const server = ground.app.catalog.server
    const token = { headers: { authorization: `Bearer ${acme}` } }
    await ground.ask('/v1/posts?limit=1', token)
    const spent = async (path: string) => {
      const before = server.statements
      expect((await ground.ask(path, token)).status).toBe(200)
      return server.statements - before
    }
    const begun = performance.now()
    const cold: number[] = []
    for (let limit = 2; limit < 8; limit++) cold.push(await spent(`/v1/posts?limit=${limit}`))
    const warm: number[] = []
    for (let limit = 2; limit < 8; limit++) warm.push(await spent(`/v1/posts?limit=${limit}`))
    expect([Math.min(...cold), Math.min(...warm)]).toEqual([1, 0])
    // About once a second a look for changes is among them.
    const looks = Math.ceil((performance.now() - begun) / 800)
    expect([...cold, ...warm].reduce((sum, statements) => sum + statements, 0)).toBeLessThanOrEqual(cold.length + looks)
  })
})

describe('what is kept', () => {
  const big = 'x'.repeat(8_000)

  async function served(settings: TestEnv) {
    const place = await ApiGround.create({ FEEDCTL_API_RATE: '0', FEEDCTL_API_CACHE_TTL_S: '3600', ...settings })
    const own = await OwnRoute.serve(place.app, async url => ({ url, big }))
    return { place, own, small: await place.tenant('small'), large: await place.tenant('large') }
  }

  test('stays within its bytes, and of others when one tenant asks for thousands of URLs', async () => {
    const { place, own, small, large } = await served({ FEEDCTL_API_CACHE_BYTES: '1000000' })
    await using _place = place
    await using _own = own
    for (let n = 0; n < 20; n++) await own.get(small, `/v1/own?mine=${n}`)
    for (let n = 0; n < 300; n++) await own.get(large, `/v1/own?n=${n}`)
    const counts = await answerCounts(own.metrics)
    expect(counts.kept_bytes).toBeLessThanOrEqual(1_000_000)
    expect(counts.kept).toBeLessThan(120)
    const before = own.built.length
    for (let n = 0; n < 20; n++) await own.get(small, `/v1/own?mine=${n}`)
    expect(own.built.length).toBe(before)
    // Those that were asked for last are there still.
    await own.get(large, '/v1/own?n=299')
    expect(own.built.length).toBe(before)
  })

  test('is nothing where there is no cache', async () => {
    const { place, own, small } = await served({ FEEDCTL_API_CACHE_BYTES: '0' })
    await using _place = place
    await using _own = own
    const { etag = '' } = (await own.get(small)).headers
    expect((await own.get(small, '/v1/own', { 'if-none-match': etag })).status).toBe(304)
    expect(own.built).toHaveLength(2)
    expect(await answerCounts(own.metrics)).toMatchObject({ built: 2, near: 0, kept: 0, kept_bytes: 0 })
  })

  test('counts no longer than it may, changed or not', async () => {
    const { place, own, small } = await served({ FEEDCTL_API_CACHE_TTL_S: '1' })
    await using _place = place
    await using _own = own
    await own.get(small)
    await expect.poll(async () => (await own.get(small)) && own.built.length).toBeGreaterThan(1)
  })

  test('is told to pages of other origins by fastify', async () => {
    const { place, own, small } = await served({ FEEDCTL_CORS_ORIGINS: 'https://app.example.com' })
    await using _place = place
    await using _own = own
    const plain = [await own.get(small), await own.get(small)]
    const shared = await own.get(small, '/v1/own', { origin: 'https://app.example.com' })
    expect(own.built).toHaveLength(1)
    expect(shape(plain[1] as Answer)).toEqual(shape(plain[0] as Answer))
    expect(plain[1]?.headers['access-control-allow-origin']).toBeUndefined()
    expect(shared.headers['access-control-allow-origin']).toBe('https://app.example.com')
    expect(shared.headers.vary).toContain('Origin')
  })

  test('is sent with what a trusted proxy says of the request, whichever way it goes', async () => {
    const { place, own, small } = await served({ FEEDCTL_TRUSTED_PROXIES: '127.0.0.1' })
    await using _place = place
    await using _own = own
    const passedOn = { 'x-forwarded-proto': 'https', 'x-request-id': 'of-the.proxy', 'x-forwarded-for': '192.0.2.1' }
    const [built, kept] = [await own.get(small, '/v1/own', passedOn), await own.get(small, '/v1/own', passedOn)]
    expect(own.built).toHaveLength(1)
    expect(shape(kept)).toEqual(shape(built))
    expect(kept.headers).toMatchObject({ 'x-request-id': 'of-the.proxy', 'strict-transport-security': expect.any(String) })
    const plain = await own.get(small)
    expect(plain.headers['strict-transport-security']).toBeUndefined()
    expect(plain.headers['x-request-id']).not.toBe('of-the.proxy')
  })

  test('goes with the connections when the API ends', async () => {
    await using installation = await Installation.create({})
    await using app = await installation.open()
    const own = await OwnRoute.serve(app, async () => ({}))
    await own[Symbol.asyncDispose]()
    await expect(own.get('x')).rejects.toThrow()
  })
})

describe('a URL', () => {
  test.each([
    ['/v1/posts', '/v1/posts'],
    ['/v1/posts?', '/v1/posts'],
    ['/v1/posts?&&', '/v1/posts'],
    ['/v1/posts?b=2', '/v1/posts?b=2'],
    ['/v1/posts?b=2&a=1', '/v1/posts?a=1&b=2'],
    ['/v1/posts?a=2&b&a=1', '/v1/posts?a=2&a=1&b'],
    ['/v1/posts?%61=1&a=2', '/v1/posts?%61=1&a=2'],
    ['/v1/posts?q=a?b&limit=3', '/v1/posts?limit=3&q=a?b'],
  ])('%s is kept under %s', (url, canonical) => {
    expect(canonicalUrl(url)).toBe(canonical)
  })
})
