import { get } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpsDocument } from '../../src/api/ops/document.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { addRun, addSources } from '../watch/rows.js'
import { ApiGround, ask, errorCode } from './ground.js'
import { type LoggedIn, logIn, post, withDashboard } from './ops-ground.js'

const HOSTILE = '<img src=x onerror=alert(1)>'
let ground: ApiGround
let operator: LoggedIn

beforeAll(async () => {
  ground = await ApiGround.create(withDashboard())
  operator = await logIn(ground.api.url)
})

afterAll(() => ground[Symbol.asyncDispose]())

async function overview(): Promise<OpsDocument> {
  const { status, body } = await ground.ask('/ops/overview.json', { headers: { cookie: operator.cookie } })
  expect(status).toBe(200)
  return JSON.parse(body.toString()) as OpsDocument
}

describe('what the dashboard is told', () => {
  test('of an installation where nothing happened yet', async () => {
    expect(await overview()).toMatchObject({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      installation: { name: 'feedctl', version: '0.1.0', drivers: { database: 'sqlite', queue: 'sync', sessions: 'memory' } },
      health: { state: 'ok', reasons: [] },
      phase: { name: 'mvp', tenants: 0, limit: 100, used_percent: 0, next: 'growth' },
      driver: 'sync',
      run: null,
      workers: { total: 0, shown: [] },
      supervisors: [],
      tenants: { active: 0, synced_at: null, placements: [], slowest: [], most_failing: [] },
      sources: { total: 0, failing: 0, listed: [] },
      alerts: [],
      analytics: { backlog: { batches: 0, bytes: 0, oldest_at: null } },
    })
  })

  test('names tenants, placements and failing sources, as data and without keys', async () => {
    const { catalog } = ground.app
    await ground.installation.createTenant('acme', [], ['--placement', 'shared', '--name', HOSTILE])
    await ground.installation.createTenant('globex', [], ['--placement', 'dedicated'])
    await catalog.kysely
      .updateTable('tenants')
      .set({ sync_failures: 3, synced_at: Date.now() })
      .where('slug', '=', 'acme')
      .execute()
    await addSources(ground.app, [
      {
        url: 'https://user:secret@a.example/feed.xml?key=abc',
        failure_code: 'FEED_TIMEOUT',
        failure_message: 'https://user:secret@a.example/feed.xml?key=abc took too long',
        failure_count: 2,
      },
      { url: 'https://b.example/feed.xml', failure_code: 'FEED_GONE', failure_count: 9 },
      { url: 'https://c.example/feed.xml', failure_code: 'FEED_GONE', failure_count: 10, retired_at: 1 },
      { url: 'https://d.example/feed.xml', failure_code: 'FEED_GONE', failure_count: 11, merged_into: 1 },
      { url: 'https://e.example/feed.xml' },
    ])
    await using fresh = await reopened()
    const { tenants, sources, phase } = await fresh.overview()
    expect(phase.tenants).toBe(2)
    expect(tenants.most_failing).toMatchObject([{ slug: 'acme', name: HOSTILE, sync_failures: 3 }])
    expect(tenants.placements).toEqual([
      { kind: 'dedicated', host: 'default', tenants: 1 },
      { kind: 'shared', host: 'default', tenants: 1 },
    ])
    expect(sources.listed.map(({ url, code, failures }) => [url, code, failures])).toEqual([
      ['https://b.example/feed.xml', 'FEED_GONE', 9],
      ['https://a.example/feed.xml?…', 'FEED_TIMEOUT', 2],
    ])
    expect(JSON.stringify(sources)).not.toMatch(/secret|key=/)
  })

  test('of workers and queues, where there are some', async () => {
    const settings = { ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis', SESSION_DRIVER: 'redis' }
    await using own = await ApiGround.create(withDashboard(settings))
    const { pid } = await own.installation.startWorker(['--queue', 'sync,media'])
    const { cookie } = await logIn(own.api.url)
    const look = async () =>
      JSON.parse((await own.ask('/ops/overview.json', { headers: { cookie } })).body.toString()) as OpsDocument
    await expect.poll(async () => (await look()).workers.total).toBe(1)
    const { workers, queues, driver } = await look()
    expect(driver).toBe('redis')
    expect(workers.shown).toMatchObject([{ pid, state: 'working', jobs: 0, queues: [{ name: 'sync' }, { name: 'media' }] }])
    expect(queues.map(({ name, workers, oldest_wait_ms: ms }) => [name, workers, ms])).toEqual([
      ['sync', 1, 0],
      ['media', 1, 0],
      ['analytics', 0, 0],
      ['maintenance', 0, 0],
    ])
  })

  test('is read once a second however many ask', async () => {
    const began = Date.now()
    const all = await Promise.all(Array.from({ length: 20 }, () => overview()))
    const mostReads = 2 + Math.floor((Date.now() - began) / 1_000)
    expect(new Set(all.map(({ at }) => at)).size).toBeLessThanOrEqual(mostReads)
  })

  test.each(['/ops/overview.json', '/ops/events'])('is not for who is not logged in: %s', async path => {
    const answer = await ground.ask(path)
    expect([answer.status, errorCode(answer)]).toEqual([401, 'SESSION_INVALID'])
    expect(answer.headers['cache-control']).toBe('no-store')
  })
})

describe('the stream', () => {
  test('tells of a run that begins, and ends when somebody logs out everywhere', async () => {
    const { cookie, token } = await logIn(ground.api.url)
    const stream = listen(ground.api.url, cookie)
    await stream.until(/event: overview\ndata: \{"at"/)
    await addRun(ground.app, 'run-of-the-stream', Date.now(), ['ok', 'queued'])
    await stream.until(/"id":"run-of-the-stream"/)
    expect((await post(ground.api.url, '/ops/logout-everywhere', { body: { token }, headers: { cookie } })).status).toBe(204)
    expect(await stream.ended).toMatch(/event: end\ndata: \{"why":"logged-out"\}\n\n$/)
    operator = await logIn(ground.api.url)
  })

  test('ends when the server is to end, which waits for no page', async () => {
    const own = await ApiGround.create(withDashboard())
    const { cookie } = await logIn(own.api.url)
    const stream = listen(own.api.url, cookie)
    await stream.until(/event: overview/)
    expect(await own.api.stop(60_000)).toMatchObject({ interrupted: 0 })
    expect(await stream.ended).toContain('{"why":"draining"}')
    await own[Symbol.asyncDispose]()
  })
})

describe('the pages', () => {
  test('may use their own files only, are not framed and not kept', async () => {
    const { headers, body } = await ground.ask('/ops', { headers: { cookie: operator.cookie } })
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/)
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    })
    const html = body.toString()
    expect(html).not.toMatch(/ on\w+=|style=|<style|<script>|https?:/)
    expect(html).toContain(`value="${operator.token}"`)
  })

  test('have files that are kept for good under the address of their version, and for once under another', async () => {
    const html = (await ground.ask('/ops')).body.toString()
    const addresses = [...html.matchAll(/(?:href|src)="(\/ops\/assets\/[^"]+)"/g)].map(([, address = '']) => address)
    expect(addresses.length).toBeGreaterThan(3)
    for (const address of addresses) {
      const [plain, packed] = [
        await ground.ask(address),
        await ground.ask(address, { headers: { 'accept-encoding': 'gzip, br' } }),
      ]
      expect([plain.status, plain.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable'])
      expect([packed.headers['content-encoding'], packed.body.length < plain.body.length]).toEqual(['br', true])
    }
    const other = await ground.ask('/ops/assets/0123456789abcdef/app.js')
    expect([other.status, other.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(other.headers['content-type']).toMatch('text/javascript')
  })

  test.each([
    'nothing.js',
    'dashboard.html',
    '..%2f..%2fpackage.json',
    '%2e%2e',
    'constructor',
  ])('have no file %s', async name => {
    const answer = await ground.ask(`/ops/assets/x/${name}`)
    expect([answer.status, errorCode(answer)]).toEqual([404, 'ROUTE_NOT_FOUND'])
  })

  test('are found with a slash at the end, too', async () => {
    const { status, headers } = await ground.ask('/ops/')
    expect([status, headers.location]).toEqual([308, '/ops'])
  })
})

/** The API once more, where nothing is kept yet. */
async function reopened() {
  const { serveApi } = await import('../../src/api/server.js')
  const app = await ground.installation.open()
  const api = await serveApi(app, { host: '127.0.0.1', port: 0 })
  const { cookie } = await logIn(api.url)
  return {
    overview: async () =>
      JSON.parse((await ask(api.url, '/ops/overview.json', { headers: { cookie } })).body.toString()) as OpsDocument,
    [Symbol.asyncDispose]: async () => {
      await api.stop(500)
      await app[Symbol.asyncDispose]()
    },
  }
}

/** Reads a stream as it comes. */
function listen(origin: string, cookie: string) {
  let text = ''
  const heard = new EventTarget()
  const ended = new Promise<string>((resolve, reject) => {
    const asking = get(`${origin}/ops/events`, { headers: { cookie }, agent: false }, response => {
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        heard.dispatchEvent(new Event('chunk'))
      })
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    asking.on('error', reject)
  })
  const until = async (pattern: RegExp) => {
    const over = ended.then(all => {
      if (!pattern.test(all)) throw new Error(`ended without ${pattern}: ${all}`)
    })
    while (!pattern.test(text))
      await Promise.race([new Promise(resolve => heard.addEventListener('chunk', resolve, { once: true })), over])
  }
  return { ended, until }
}
