import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Conformance, type OpenApiDocument } from './conformance.js'
import { problemIn, startFrame } from './frame-ground.js'
import { ApiGround } from './ground.js'
import { openRaw, sendRaw } from './raw-socket.js'

const JSON_BODY = { 'content-type': 'application/json' }
const HOST = 'Host: a\r\n'
const MAX_BODY = { FEEDCTL_API_MAX_BODY_BYTES: '4096' }
const SOON = { headersMs: 300, requestMs: 600, lookEveryMs: 50 }

describe('a body', () => {
  test.each([
    ['cut off', '{"urls":['],
    ['of two documents', '{"urls":[]}{"urls":[]}'],
    ['of bytes that are no text', randomBytes(64)],
    ['with a byte order mark alone', '\ufeff'],
    ['that reaches for the prototype', '{"urls":[],"__proto__":{"admin":true}}'],
    ['that nests two thousand deep and never ends', '['.repeat(2000)],
  ])('%s is malformed JSON: 400', async (_what, body) => {
    const answer = await (await startFrame(MAX_BODY)).ask('/v1/urls', { method: 'POST', headers: JSON_BODY, body })
    expect([answer.status, problemIn(answer).code]).toEqual([400, 'BODY_INVALID'])
  })

  test.each([
    'null',
    '"text"',
    '[]',
    '7',
    '{}',
    '{"urls":"x"}',
    '{"urls":{"length":1}}',
    '{"urls":[null]}',
    '{"urls":[],"more":1}',
    `${'['.repeat(2000)}${']'.repeat(2000)}`,
  ])('of wrong types is refused with the place: %s', async body => {
    const answer = await (await startFrame()).ask('/v1/urls', { method: 'POST', headers: JSON_BODY, body })
    expect(problemIn(answer)).toMatchObject({
      status: 400,
      code: 'BODY_INVALID',
      errors: [{ path: expect.stringMatching(/^body/) }],
    })
  })

  test('that says it is huge is refused before it is sent: 413', async () => {
    const { port } = await startFrame(MAX_BODY)
    const end = await sendRaw(
      port,
      `POST /v1/urls HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n`,
    )
    expect([end.statuses, end.problem.code]).toEqual([[413], 'BODY_TOO_LARGE'])
  })

  test('that grows huge in chunks is refused while it comes: 413', async () => {
    const { port } = await startFrame(MAX_BODY)
    const chunk = `400\r\n${' '.repeat(1024)}\r\n`
    const end = await sendRaw(
      port,
      `POST /v1/urls HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
      chunk.repeat(64),
    )
    expect([end.statuses[0], end.problem.code]).toEqual([413, 'BODY_TOO_LARGE'])
  })
})

describe('a slow client', () => {
  test('that sends its headers byte by byte is answered 408, and cut off', async () => {
    const { port } = await startFrame({}, SOON)
    const end = await openRaw(port, socket => {
      const letters = [...`GET /who HTTP/1.1\r\n${HOST}X-Slow: ${'a'.repeat(100_000)}`]
      const timer = setInterval(() => socket.write(letters.shift() ?? ''), 20)
      socket.once('close', () => clearInterval(timer))
    })
    expect([end.statuses, end.problem.code]).toEqual([[408], 'REQUEST_TIMEOUT'])
    expect(end.head).toContain('connection: close')
  })

  test('that never ends its body is answered 408, and cut off', async () => {
    const { port, lines } = await startFrame({}, SOON)
    const end = await openRaw(port, socket => {
      socket.write(`POST /v1/urls HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`)
      const timer = setInterval(() => socket.write(' '), 20)
      socket.once('close', () => clearInterval(timer))
    })
    expect([end.statuses, end.problem.code]).toEqual([[408], 'REQUEST_TIMEOUT'])
    expect(lines).toEqual([])
  })

  test('that says nothing at all is cut off', async () => {
    const { port } = await startFrame({}, SOON)
    expect((await openRaw(port, () => {})).statuses).toEqual([408])
  })

  test('keeps nobody else waiting', async () => {
    const frame = await startFrame({}, { ...SOON, headersMs: 3_000, requestMs: 3_000 })
    const slow = Array.from({ length: 50 }, () => openRaw(frame.port, socket => socket.write('GET /who HTTP/1.1\r\nX-')))
    const answers = await Promise.all(Array.from({ length: 20 }, () => frame.ask('/who')))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect((await Promise.all(slow)).map(({ statuses }) => statuses)).toEqual(new Array(50).fill([408]))
  })
})

describe('what is no request', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'USAGE'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00', 400, 'USAGE'],
    ['a method that nobody knows', `BREW /who HTTP/1.1\r\n${HOST}\r\n`, 400, 'USAGE'],
    ['a header without a name', `GET /who HTTP/1.1\r\n${HOST}: x\r\n\r\n`, 400, 'USAGE'],
    ['a header with a control character', `GET /who HTTP/1.1\r\n${HOST}X-A: a\x01b\r\n\r\n`, 400, 'USAGE'],
    [
      'ten thousand headers',
      `GET /who HTTP/1.1\r\n${HOST}${Array.from({ length: 10_000 }, (_, n) => `X-${n}: 1\r\n`).join('')}\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    ['a very long URL', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${HOST}\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['a length that is no number', `POST /v1/urls HTTP/1.1\r\n${HOST}Content-Length: 1e3\r\n\r\n`, 400, 'USAGE'],
    ['a negative length', `POST /v1/urls HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400, 'USAGE'],
    [
      'a chunk whose size is no number',
      `POST /v1/urls HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n`,
      400,
      'USAGE',
    ],
    ['a request to a proxy', `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 400, 'USAGE'],
  ])('%s is told so, as a problem, and the connection ends', async (_what, bytes, status, code) => {
    const { port, lines } = await startFrame()
    const end = await sendRaw(port, Buffer.from(bytes, 'latin1'))
    expect([end.statuses, end.problem.status, end.problem.code]).toEqual([[status], status, code])
    expect(end.head).toMatch(/^content-type: application\/problem\+json/m)
    expect(end.head).toContain(`x-request-id: ${end.problem.request_id}`)
    expect(end.head).toContain('x-content-type-options: nosniff')
    expect(lines).toEqual([])
  })
})

describe('a request of HTTP/1.1', () => {
  test.each([
    ['without a host', 'GET /who HTTP/1.1\r\n', 'the request has no host header'],
    ['that expects what nobody knows', `GET /who HTTP/1.1\r\n${HOST}Expect: banana\r\n`, expect.stringContaining('100-continue')],
  ])('%s is refused as a problem, like any other', async (_what, head, detail) => {
    const { port } = await startFrame()
    const end = await sendRaw(port, `${head}Connection: close\r\n\r\n`)
    expect([end.statuses, end.problem]).toEqual([[400], expect.objectContaining({ code: 'USAGE', detail })])
    expect(end.head).toContain(`x-request-id: ${end.problem.request_id}`)
    expect(end.head).toContain('x-content-type-options: nosniff')
    const { statuses } = await sendRaw(port, `GET /who HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nConnection: close\r\n\r\n`)
    expect(statuses).toEqual([100, 200])
    expect((await sendRaw(port, 'GET /who HTTP/1.0\r\nExpect: banana\r\n\r\n')).statuses).toEqual([200])
  })

  test('without a host is refused where its answer is ready, too', async () => {
    await using ground = await ApiGround.create()
    const token = await ground.tenant('acme')
    await ground.json('/v1/posts', token)
    const port = Number(new URL(ground.api.url).port)
    const ask = (host: string) =>
      sendRaw(port, `GET /v1/posts HTTP/1.1\r\n${host}Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`)
    expect([(await ask(HOST)).statuses, (await ask('')).statuses]).toEqual([[200], [400]])
  })
})

describe('a request that two readers would read as two', () => {
  const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
  test.each([
    ['both a length and chunks', `Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `Content-Length: 5\r\nContent-Length: 0\r\n\r\n`],
    ['a transfer encoding that is none', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['chunked twice, the last not', `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    [
      'a header that goes on in the next line',
      `X-A: b\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n`,
    ],
  ])('%s is refused, and what follows on its connection is not read', async (_what, rest) => {
    const { port } = await startFrame()
    const end = await sendRaw(port, `POST /v1/urls HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${rest}${SMUGGLED}`)
    expect([end.statuses, end.problem.code]).toEqual([[400], 'USAGE'])
    expect(end.text).not.toContain('ROUTE_NOT_FOUND')
  })
})

describe('against the routes', () => {
  let ground: ApiGround
  let token: string
  let conformance: Conformance
  let document: OpenApiDocument
  const SQL = [
    "' OR 1=1 --",
    '1; DROP TABLE tenants',
    "1' UNION SELECT token_hash FROM tokens --",
    '1)) OR ((1=1',
    '%27%3B',
    '\\',
    '\0',
    '1 AND SLEEP(5)',
  ]

  beforeAll(async () => {
    ground = await ApiGround.create({ FEEDCTL_API_RATE: '0' })
    token = await ground.tenant('acme')
    await ground.file('acme', { name: 'a.png' })
    document = JSON.parse((await ground.ask('/openapi.json')).body.toString()) as OpenApiDocument
    conformance = new Conformance(document)
  })

  afterAll(() => ground[Symbol.asyncDispose]())

  /** The reading routes of tenants, with the names of what their queries take. */
  const readings = () =>
    Object.entries(document.paths)
      .filter(([path, methods]) => path.startsWith('/v1/') && methods.get !== undefined)
      .map(([path, methods]) => {
        const parameters = (methods.get as { parameters?: { in: string; name: string }[] }).parameters ?? []
        return { path, queries: parameters.filter(({ in: place }) => place === 'query').map(({ name }) => name) }
      })

  test('SQL in a parameter finds nothing that is not there, and harms nothing', async () => {
    const asked = readings().flatMap(({ path, queries }) =>
      SQL.flatMap(text => {
        const word = encodeURIComponent(text)
        const plain = path.replace(/\{\w+\}/g, '1')
        return [
          ...(path.includes('{') ? [{ path, url: path.replace(/\{\w+\}/g, word) }] : []),
          ...queries.map(name => ({ path, url: `${plain}?${name}=${word}` })),
        ]
      }),
    )
    expect(asked.length).toBeGreaterThan(20)
    const headers = { authorization: `Bearer ${token}` }
    const answers = await Promise.all(
      asked.map(async ({ path, url }) => ({ path, url, answer: await ground.ask(url, { headers }) })),
    )
    expect(
      answers
        .filter(({ answer }) => ![200, 400, 404].includes(answer.status))
        .map(({ url, answer }) => `${url} ${answer.status}`),
    ).toEqual([])
    expect(answers.flatMap(({ path, answer }) => conformance.faults('GET', path, answer))).toEqual([])
    expect(answers.filter(({ answer }) => /token_hash|SQLITE|syntax/i.test(answer.body.toString()))).toEqual([])
    expect((await ground.json<{ media: unknown[] }>('/v1/media', token)).media).toHaveLength(1)
    const bearing = await Promise.all(
      SQL.filter(text => text !== '\0').map(text => ground.ask('/v1/media', { headers: { authorization: `Bearer ${text}` } })),
    )
    expect(bearing.map(({ status }) => status)).toEqual(new Array(SQL.length - 1).fill(401))
  })

  test('line ends in ids, paths and queries reach no header', async () => {
    const evil = '1%0d%0aset-cookie:%20evil=1%0d%0a%0d%0a<script>'
    const urls = [
      `/v1/media/${evil}`,
      `/v1/media?after=${evil}`,
      `/media/1/${evil}.png?expires=1&signature=x`,
      `/${evil}`,
      `/openapi.json?${evil}`,
    ]
    const answers = await Promise.all(
      urls.map(url => ground.ask(url, { headers: { authorization: `Bearer ${token}`, 'x-request-id': evil } })),
    )
    for (const { headers } of answers) {
      expect(headers).not.toHaveProperty('set-cookie')
      expect(Object.values(headers).join('\n')).not.toContain('evil')
    }
    expect(answers.map(({ status }) => status)).toEqual([400, 400, expect.any(Number), 404, 200])
  })

  test('no path leads out of the media of the tenant that a link was signed for', async () => {
    const { data } = ground.app.config
    writeFileSync(join(data, 'secret.txt'), 'the secret')
    mkdirSync(join(data, 'media', '2'), { recursive: true })
    writeFileSync(join(data, 'media', '2', 'secret.txt'), 'the secret')
    const link = await ground.linkTo(token, 1)
    const query = link.slice(link.indexOf('?'))
    const paths = [
      '/media/1/../../secret.txt',
      '/media/1/../2/secret.txt',
      '/media/1/%2e%2e/2/secret.txt',
      '/media/1/%2e%2e%2f%2e%2e%2fsecret.txt',
      '/media/1/..%5c..%5csecret.txt',
      '/media/1/....//....//secret.txt',
      '/media/1/%252e%252e/2/secret.txt',
      '/media/1//etc/passwd',
      '/media/1/a.png%00.txt',
      '/media/2/secret.txt',
      '/media/../media/2/secret.txt',
      '/media/1/%c0%ae%c0%ae/2/secret.txt',
      '//secret.txt',
      '/media/',
    ]
    const answers = await Promise.all(paths.map(path => ground.ask(path + query)))
    expect(answers.filter(({ status }) => ![400, 403, 404].includes(status)).map(({ status }) => status)).toEqual([])
    expect(answers.filter(({ body }) => body.includes('the secret') || body.includes('root:'))).toEqual([])
    expect((await ground.ask(link)).status).toBe(200)
  })
})
