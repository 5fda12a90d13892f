import { describe, expect, test } from 'vitest'
import { API_TIMES, buildFrame } from '../../src/api/frame.js'
import { SECURITY_HEADERS } from '../../src/api/headers.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { problemIn, startFrame } from './frame-ground.js'

const JSON_BODY = { 'content-type': 'application/json' }
const LOCAL_PROXY = { FEEDCTL_TRUSTED_PROXIES: '127.0.0.1' }
const OTHER_PROXY = { FEEDCTL_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8' }

describe('a problem', () => {
  test('has one shape, whatever is wrong', async () => {
    const frame = await startFrame()
    const answers = await Promise.all([
      frame.ask('/nothing'),
      frame.ask('/v1/urls'),
      frame.ask('/v1/numbers/x'),
      frame.ask('/v1/numbers/%zz'),
      frame.ask(`/v1/numbers/${'9'.repeat(1000)}`),
      frame.ask('/v1/urls', { method: 'POST', headers: JSON_BODY, body: '{' }),
      frame.ask('/v1/urls', { method: 'POST', headers: JSON_BODY, body: '{"__proto__":1,"urls":[]}' }),
      frame.ask('/v1/urls', { method: 'POST', headers: JSON_BODY }),
      frame.ask('/v1/urls', { method: 'POST', headers: { 'content-type': 'text/xml' }, body: '<a/>' }),
      frame.ask('/fails/POST_NOT_FOUND'),
      frame.ask('/fails/UNAVAILABLE'),
      frame.ask('/fails/bug'),
    ])
    const shown = answers.map(answer => {
      const { status, code, request_id: id, ...rest } = problemIn(answer)
      expect(answer.headers).toMatchObject({
        ...SECURITY_HEADERS,
        'content-type': expect.stringMatching(/^application\/problem\+json/),
        'cache-control': 'no-store',
        'x-request-id': id,
      })
      expect([answer.status, Object.keys(rest).filter(key => key !== 'errors')]).toEqual([
        status,
        ['type', 'title', 'detail', 'hint'],
      ])
      return `${status} ${code}`
    })
    expect(shown).toEqual([
      '404 ROUTE_NOT_FOUND',
      '405 METHOD_NOT_ALLOWED',
      '400 USAGE',
      '400 USAGE',
      '400 USAGE',
      '400 BODY_INVALID',
      '400 BODY_INVALID',
      '400 BODY_INVALID',
      '415 BODY_TYPE',
      '404 POST_NOT_FOUND',
      '503 UNAVAILABLE',
      '500 BUG',
    ])
  })

  test('names every part of the query, the path and the body that is not as it must be', async () => {
    const frame = await startFrame()
    const query = problemIn(await frame.ask('/v1/numbers/x?limit=11&limits=1'))
    expect(query.errors).toEqual([{ path: 'path.id', message: expect.stringContaining('expected number') }])
    const two = problemIn(await frame.ask('/v1/numbers/1?limit=11&limits=1'))
    expect(two).toMatchObject({
      code: 'USAGE',
      errors: [
        { path: 'query.limit', message: expect.any(String) },
        { path: 'query', message: expect.stringContaining('limits') },
      ],
    })
    const body = problemIn(
      await frame.ask('/v1/urls', { method: 'POST', headers: JSON_BODY, body: '{"urls":["https://a.example","b"]}' }),
    )
    expect(body).toMatchObject({
      code: 'BODY_INVALID',
      errors: [{ path: 'body.urls.1', message: expect.stringContaining('URL') }],
    })
  })

  test('of the service itself says little, and the log all, under the same request id', async () => {
    const frame = await startFrame()
    const bug = await frame.ask('/fails/bug?token=hidden')
    const away = await frame.ask('/fails/UNAVAILABLE')
    expect(problemIn(bug)).toMatchObject({ title: 'Internal Server Error', detail: 'a bug in feedctl', hint: null })
    expect(problemIn(away)).toMatchObject({ detail: 'not now: try again later', hint: null })
    expect(frame.lines).toHaveLength(2)
    expect(frame.lines[0]).toContain('TypeError: secret of the house')
    expect(frame.lines[0]).toContain(`request="${problemIn(bug).request_id}" method="GET" path="/fails/bug" `)
    expect(frame.lines[1]).toContain('why="at 10.0.0.7"')
    expect(frame.lines.join()).not.toContain('hidden')
  })

  test('that passes says when to try again', async () => {
    const frame = await startFrame()
    const answers = await Promise.all(
      ['UNAVAILABLE', 'RATE_LIMITED', 'LOGIN_LOCKED', 'LOCKED'].map(code => frame.ask(`/fails/${code}`)),
    )
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
      [503, '5'],
      [429, '7'],
      [429, '5'],
      [409, undefined],
    ])
  })

  test('of a method names those that there are, HEAD included', async () => {
    const frame = await startFrame()
    const answer = await frame.ask('/v1/numbers/1', { method: 'DELETE', headers: JSON_BODY, body: '{' })
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD'])
    const options = await frame.ask('/v1/urls', { method: 'OPTIONS' })
    expect([options.status, options.headers.allow]).toEqual([405, 'POST'])
  })
})

describe('the id of a request', () => {
  test('is another for each, and never the one that a stranger sends', async () => {
    const frame = await startFrame(OTHER_PROXY)
    const answers = await Promise.all([1, 2, 3].map(() => frame.ask('/who', { headers: { 'x-request-id': 'given' } })))
    const ids = answers.map(({ headers }) => headers['x-request-id'])
    expect(new Set([...ids, 'given']).size).toBe(4)
    for (const id of ids) expect(id).toMatch(/^[\w.-]{1,64}$/)
  })

  test('is the one that a trusted proxy gives', async () => {
    const frame = await startFrame(LOCAL_PROXY)
    const idOf = async (given: string) =>
      (await frame.ask('/who', { headers: { 'x-request-id': given } })).headers['x-request-id']
    expect(await idOf('0af7651916cd43dd.8448-eb211c80319c')).toBe('0af7651916cd43dd.8448-eb211c80319c')
    for (const bad of ['', 'a b', 'a,b', 'é', '<script>', 'x'.repeat(65)]) expect(await idOf(bad)).toMatch(/^[\w.-]{8}-\w+$/)
    const missing = await frame.ask('/nothing', { headers: { 'x-request-id': 'from-the-proxy' } })
    expect(problemIn(missing).request_id).toBe('from-the-proxy')
  })
})

describe('a client behind proxies', () => {
  const who = async (env: Record<string, string>, headers: Record<string, string>) => {
    const answer = await (await startFrame(env)).ask('/who', { headers })
    return { ...problemIn(answer), hsts: answer.headers['strict-transport-security'] }
  }

  test('has the address and the protocol that a trusted proxy tells', async () => {
    const told = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' }
    expect(await who(LOCAL_PROXY, told)).toEqual({ ip: '198.51.100.7', protocol: 'https', hsts: 'max-age=31536000' })
  })

  test('is not who it claims to be: what it has sent comes before what the proxy adds', async () => {
    const told = { 'x-forwarded-for': '203.0.113.9, 198.51.100.7', 'x-forwarded-proto': 'http' }
    expect(await who(LOCAL_PROXY, told)).toEqual({ ip: '198.51.100.7', protocol: 'http', hsts: undefined })
  })

  test.each([[{}], [OTHER_PROXY]])('is the other end of the connection where that is not trusted: %j', async env => {
    const told = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' }
    expect(await who(env, told)).toEqual({ ip: '127.0.0.1', protocol: 'http', hsts: undefined })
  })

  test('is not looked for by a setting that is none', async () => {
    const { config } = loadConfig({
      env: { FEEDCTL_TRUSTED_PROXIES: '10.0.0.0/33' },
      envFile: '/nowhere/.env',
      envFileNamed: false,
    })
    await expect(buildFrame(config, new Log(() => {}), API_TIMES)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

describe('a page of another origin', () => {
  const ORIGIN = 'https://app.example.com'
  const PREFLIGHT = { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' }

  test('may call the API where the settings name it, with a token and without cookies', async () => {
    const frame = await startFrame({ FEEDCTL_CORS_ORIGINS: `https://other.example, ${ORIGIN}` })
    const preflight = await frame.ask('/v1/urls', { method: 'OPTIONS', headers: PREFLIGHT })
    expect([preflight.status, preflight.body.length]).toEqual([204, 0])
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': expect.stringContaining('DELETE'),
      'access-control-allow-headers': expect.stringContaining('authorization'),
      'access-control-max-age': '7200',
      vary: 'Origin',
    })
    const answer = await frame.ask('/v1/numbers/1', { headers: { origin: ORIGIN } })
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-expose-headers': 'x-request-id, retry-after, etag, link',
    })
    expect(JSON.stringify([preflight.headers, answer.headers])).not.toContain('credentials')
  })

  test('may read what went wrong as well', async () => {
    const frame = await startFrame({ FEEDCTL_CORS_ORIGINS: ORIGIN })
    const answers = await Promise.all([
      frame.ask('/nothing', { headers: { origin: ORIGIN } }),
      frame.ask('/fails/bug', { headers: { origin: ORIGIN } }),
      frame.ask('/v1/urls', { method: 'POST', headers: { origin: ORIGIN, ...JSON_BODY }, body: '{' }),
    ])
    expect(answers.map(({ status, headers }) => [status, headers['access-control-allow-origin']])).toEqual([
      [404, ORIGIN],
      [500, ORIGIN],
      [400, ORIGIN],
    ])
  })

  test('that is not named may not', async () => {
    const frame = await startFrame({ FEEDCTL_CORS_ORIGINS: 'https://other.example' })
    const answers = await Promise.all([
      frame.ask('/v1/urls', { method: 'OPTIONS', headers: PREFLIGHT }),
      frame.ask('/v1/numbers/1', { headers: { origin: ORIGIN } }),
    ])
    for (const { headers } of answers) expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('may be any, still without cookies', async () => {
    const frame = await startFrame({ FEEDCTL_CORS_ORIGINS: '*' })
    const answers = await Promise.all([
      frame.ask('/v1/urls', { method: 'OPTIONS', headers: PREFLIGHT }),
      frame.ask('/v1/numbers/1', { headers: { origin: ORIGIN } }),
    ])
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe('*')
      expect(headers).not.toHaveProperty('access-control-allow-credentials')
    }
  })

  test('may not where nothing is set', async () => {
    const frame = await startFrame()
    const preflight = await frame.ask('/v1/urls', { method: 'OPTIONS', headers: PREFLIGHT })
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([405, undefined])
  })
})
