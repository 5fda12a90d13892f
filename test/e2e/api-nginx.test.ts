import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ApiGround, type Asking, ask } from '../api/ground.js'
import { openRaw } from '../api/raw-socket.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { type NginxServer, startNginx } from '../support/nginx.js'
import { findFreePort } from '../support/server.js'
import type { BinProcess } from './bin-process.js'
import { Load, servingAt } from './serving.js'

const CONF = fileURLToPath(new URL('../../docs/nginx-api.conf', import.meta.url))
const HOST = { host: 'api.example.com' }

/** With what is shared in files, and with what several machines share. */
const INSTALLATIONS: [string, () => TestEnv][] = [
  ['SQLite', () => ({})],
  ['MariaDB and Redis', () => ({ ...sharedMariadbEnv(), ...sharedRedisEnv(), CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' })],
]

let ground: ApiGround
let processes: BinProcess[]
let urls: string[]
let nginx: NginxServer
let port: number
let token: string

/** The file as an operator would write it for this place: ports are other ones, and nothing else. */
function settings(): string {
  const places = urls.map(url => new URL(url).host)
  const changes = [
    ...places.map((place, index): [string, string] => [`127.0.0.1:${8080 + index} max_fails`, `${place} max_fails`]),
    ['listen 80;', `listen 127.0.0.1:${port};`] as [string, string],
  ]
  return changes.reduce(
    (text, [from, to]) => {
      expect(text).toContain(from)
      return text.replaceAll(from, to)
    },
    readFileSync(CONF, 'utf8'),
  )
}

function get(path: string, { headers, ...asking }: Asking = {}): Promise<Answer> {
  return ask(`http://127.0.0.1:${port}`, path, { ...asking, headers: { ...HOST, ...headers } })
}

function problem(answer: Answer): Record<string, unknown> {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  return JSON.parse(answer.body.toString()) as Record<string, unknown>
}

async function answeredBy(url: string): Promise<number> {
  const page = (await ask(url, '/metrics')).body.toString()
  return Number(/requests_total\{status="200"\} (\d+)/.exec(page)?.[1] ?? 0)
}

describe.each(INSTALLATIONS)('three processes behind nginx on %s', (_drivers, env) => {
  beforeAll(async () => {
    ground = await ApiGround.create({ FEEDCTL_TRUSTED_PROXIES: '127.0.0.1', FEEDCTL_API_RATE: '0', ...env() })
    token = await ground.tenant('acme')
    for (let file = 1; file <= 5; file++) await ground.file('acme', { name: `${file}.png` })
    processes = [1, 2, 3].map(() => ground.installation.start(['serve', '--port', '0']))
    urls = await Promise.all(processes.map(servingAt))
    port = await findFreePort()
    nginx = await startNginx(port, settings())
  })

  afterAll(async () => {
    await nginx?.dispose()
    await ground?.[Symbol.asyncDispose]()
  })

  test('all serve, as one', async () => {
    const headers = { authorization: `Bearer ${token}` }
    for (let round = 0; round < 6; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => get('/v1/media', { headers })))
      expect(answers.map(({ status }) => status)).toEqual(new Array(10).fill(200))
    }
    expect((await Promise.all(urls.map(answeredBy))).every(count => count > 0)).toBe(true)
  })

  test('name a request as nginx does, whatever the client calls it', async () => {
    const answer = await get('/nothing', { headers: { 'x-request-id': 'mine' } })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
    expect(problem(answer)).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND', request_id: answer.headers['x-request-id'] })
  })

  test('show their figures to nobody through it', async () => {
    expect((await get('/metrics')).status).toBe(404)
    expect((await get('/%6detrics')).status).toBe(404)
    expect((await get('//metrics')).status).toBe(404)
  })

  test('get no body that is too large for nginx, which says so as they would', async () => {
    const head = `POST /v1/feeds HTTP/1.1\r\nHost: ${HOST.host}\r\nContent-Length: 9999999\r\n\r\n`
    const end = await openRaw(port, socket => {
      socket.write(head)
      socket.once('data', () => socket.end())
    })
    expect([end.statuses, end.problem.status, end.problem.code]).toEqual([[413], 413, 'BODY_TOO_LARGE'])
    expect(end.head).toContain(`X-Request-Id: ${end.problem.request_id}`)
  })

  test('lose no GET when one of them is killed', async () => {
    const load = new Load(`http://127.0.0.1:${port}/v1/media`, { ...HOST, authorization: `Bearer ${token}` })
    await expect.poll(() => load.count).toBeGreaterThan(60)
    await processes[0]?.end('SIGKILL')
    const then = load.count
    await expect.poll(() => load.count).toBeGreaterThan(then + 200)
    expect(await load.stop()).toMatchObject({ failures: [] })
  })

  test('lose no GET when another drains, which ends with what it has begun', async () => {
    const load = new Load(`http://127.0.0.1:${port}/v1/media`, { ...HOST, authorization: `Bearer ${token}` })
    await expect.poll(() => load.count).toBeGreaterThan(60)
    const end = await processes[1]?.end('SIGTERM')
    expect([end?.exit, end?.out]).toEqual([143, expect.stringMatching(/^done: \d+ requests, 0 cut off$/m)])
    const then = load.count
    await expect.poll(() => load.count).toBeGreaterThan(then + 100)
    expect(await load.stop()).toMatchObject({ failures: [] })
  })

  test('are missed, when all are gone, by a problem of the same shape', async () => {
    await processes[2]?.end('SIGKILL')
    const answer = await get('/healthz')
    expect(problem(answer)).toMatchObject({ status: 503, code: 'UNAVAILABLE', request_id: answer.headers['x-request-id'] })
    expect(answer.headers['retry-after']).toBe('2')
  })
})
