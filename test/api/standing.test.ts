import { readFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ReadinessLook } from '../../src/api/readiness.js'
import type { Cache } from '../../src/caches/index.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startMariadb } from '../support/mariadb.js'
import { startRedis } from '../support/redis.js'
import { problemIn } from './frame-ground.js'
import { ApiGround } from './ground.js'
import { openRaw } from './raw-socket.js'

async function startGround(env: TestEnv = {}): Promise<ApiGround> {
  const ground = await ApiGround.create(env)
  onTestFinished(() => ground[Symbol.asyncDispose]())
  return ground
}

async function readyOf(ground: ApiGround): Promise<unknown> {
  const answer = await ground.ask('/readyz')
  expect(answer.headers['cache-control']).toBe('no-store')
  const { status, catalog, redis, code, errors } = problemIn(answer)
  return answer.status === 200 ? { status, catalog, redis } : { code, errors, retryAfter: answer.headers['retry-after'] }
}

describe('/healthz and /readyz', () => {
  test('say that the process lives, and that requests can be answered, without a token', async () => {
    const ground = await startGround()
    const health = await ground.ask('/healthz')
    expect([health.status, problemIn(health)]).toEqual([200, { status: 'ok' }])
    expect(await readyOf(ground)).toEqual({ status: 'ready', catalog: 'ok', redis: null })
    const head = await ground.ask('/readyz', { method: 'HEAD' })
    expect([head.status, head.body.length]).toEqual([200, 0])
  })

  test('tell of a catalog and a Redis that are away, and of their return, without a restart', async () => {
    await using mariadb = await startMariadb()
    await using redis = await startRedis()
    await using ground = await ApiGround.create({
      ...sharedMariadbEnv(),
      ...mariadb.env,
      ...sharedRedisEnv(),
      ...redis.env,
      CACHE_DRIVER: 'redis',
    })
    await expect.poll(() => readyOf(ground)).toEqual({ status: 'ready', catalog: 'ok', redis: 'ok' })
    await redis.stop()
    await expect.poll(() => readyOf(ground)).toEqual({ status: 'degraded', catalog: 'ok', redis: 'down' })
    await mariadb.stop()
    const away = { code: 'UNAVAILABLE', errors: [{ path: 'catalog', message: 'does not answer' }], retryAfter: '2' }
    await expect.poll(() => readyOf(ground)).toEqual(away)
    expect((await ground.ask('/healthz')).status).toBe(200)
    await mariadb.start()
    await redis.start()
    await expect.poll(() => readyOf(ground)).toEqual({ status: 'ready', catalog: 'ok', redis: 'ok' })
  })

  test('ask the parts once a second at most, however many want to know', async () => {
    const ground = await startGround()
    let [asked, now] = [0, 0]
    const { catalog, log } = ground.app
    const shared = () => {
      asked++
      return ground.app.shared()
    }
    const look = new ReadinessLook({ catalog, log, shared }, () => now)
    await Promise.all(Array.from({ length: 100 }, () => look.look()))
    now = 999
    await look.look()
    expect(asked).toBe(1)
    now = 1000
    expect(await look.look()).toEqual({ catalog: 'ok', redis: null })
    expect(asked).toBe(2)
  })

  test('do not say that a part is away which has answered while this process was held up itself', async () => {
    const ground = await startGround()
    const far = { get: async () => (await readFile(import.meta.filename)) && null } as unknown as Cache
    const shared = async () => ({ ...(await ground.app.shared()), far })
    const looking = new ReadinessLook({ catalog: ground.app.catalog, log: ground.app.log, shared }).look()
    await new Promise(resolve => setImmediate(resolve))
    for (const begun = performance.now(); performance.now() - begun < 2_500; );
    expect(await looking).toEqual({ catalog: 'ok', redis: 'ok' })
  })

  test('say at once that a process drains, on connections that are open', async () => {
    const ground = await startGround()
    const end = await openRaw(Number(new URL(ground.api.url).port), socket => {
      // Not idle yet: its request is not whole.
      socket.write('GET /readyz HTTP/1.1\r\n')
      void ground.api.stop(20_000)
      socket.write('Host: a\r\n\r\n')
    })
    expect([end.statuses, end.problem.errors]).toEqual([[503], [{ path: 'process', message: 'is draining' }]])
    expect(end.head).toMatch(/^connection: close$/im)
  })
})

describe('/metrics', () => {
  test('counts what was answered, by status and by route, and what the process takes', async () => {
    const ground = await startGround()
    const token = await ground.tenant('acme')
    await ground.json('/v1/media', token)
    await ground.json('/v1/media', token)
    await ground.ask('/v1/media')
    await ground.ask('/nothing')
    await openRaw(Number(new URL(ground.api.url).port), socket => socket.write('nonsense\r\n\r\n'))
    const { status, headers, body } = await ground.ask('/metrics')
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      'no-store',
    ])
    const samples = samplesOf(body.toString())
    expect(samples).toMatchObject({
      'feedctl_api_requests_total{status="200"}': 2,
      'feedctl_api_requests_total{status="401"}': 1,
      'feedctl_api_requests_total{status="404"}': 1,
      feedctl_api_processes: 1,
      'feedctl_api_request_seconds_count{route="/v1/media"}': 3,
    })
    expect(samples.feedctl_api_connections).toBeGreaterThan(0)
    expect(samples.feedctl_api_resident_bytes).toBeGreaterThan(10_000_000)
    expect(samples.feedctl_api_event_loop_delay_seconds).toBeGreaterThanOrEqual(0)
  })

  test.each([
    'x-forwarded-for',
    'forwarded',
    'via',
    'x-real-ip',
    'x-forwarded-proto',
  ])('is not there for what a proxy has passed on: %s', async name => {
    const ground = await startGround()
    const answer = await ground.ask('/metrics', { headers: { [name]: '127.0.0.1' } })
    expect([answer.status, problemIn(answer).code]).toEqual([404, 'ROUTE_NOT_FOUND'])
  })
})

function samplesOf(page: string): Record<string, number> {
  const lines = page.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}
