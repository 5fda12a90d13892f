import { writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, test } from 'vitest'
import { addressOf } from '../../src/bench/url/address.js'
import { benchUrl } from '../../src/bench/url/bench.js'
import { askFirst } from '../../src/bench/url/first-answer.js'
import { headersIn, requestText } from '../../src/bench/url/headers.js'
import type { UrlLoad } from '../../src/bench/url/load.js'
import { userLoop } from '../../src/bench/url/user-loop.js'
import { loadConfig } from '../../src/kernel/config.js'
import { makeCertificates, openTlsServer } from '../feeds/fetch/certificates.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { faultsIn, figuresIn, rowsIn, runBench } from './bench-runs.js'
import { serving } from './rate/servers.js'

/** So far from what a machine does, however busy, that the generator is never late. */
const GOAL_MS = 20_000
const LOAD = { headers: {}, connections: 5, rate: 40, phase: null, goalMs: GOAL_MS, search: false, duration: 1, repeat: 1 }
const { config } = loadConfig({ env: {}, envFile: '/nonexistent/.env', envFileNamed: false })

function bench(port: number, paths: readonly string[], load: Partial<UrlLoad> = {}, note = (_line: string) => {}) {
  const watcher = { note, progress: () => ({ start: () => {}, update: () => {}, stop: () => {} }) }
  const urls = paths.map(path => `http://127.0.0.1:${port}${path}`)
  return benchUrl({ operator: config, load: { ...LOAD, urls, ...load }, watcher, signal: new AbortController().signal })
}

describe('the API of a URL', () => {
  it('is measured with answers in pieces, compressed, and redirects that are not followed', async () => {
    const seen = new Set<string>()
    const gzip = gzipSync('x'.repeat(5_000))
    const { target } = await serving((request, response) => {
      seen.add(request.url ?? '')
      if (request.url === '/old') return void response.writeHead(302, { location: '/new?ticket=s3cret' }).end()
      if (request.url?.startsWith('/gzip')) response.setHeader('content-encoding', 'gzip')
      response.write(gzip.subarray(0, 20))
      response.end(gzip.subarray(20))
    })
    const { rows, settings, answers, charts, model } = await bench(target.port, ['/pieces', '/gzip?token=s3cret', '/old'])
    expect(faultsIn(rows)).toEqual([])
    expect(figuresIn(rows)).toMatchObject({
      users_per_s: expect.any(Number),
      rate_per_s: expect.any(Number),
      rate_p99_ms: expect.any(Number),
    })
    expect(rows.find(({ metric }) => metric === 'highest_rate_per_s')).toBeUndefined()
    expect(settings.statuses).toEqual([200, 200, 302])
    expect(settings.urls.map(url => new URL(url).search)).toEqual(['', '?token=...', ''])
    expect(answers.map(({ status, bytes, location }) => [status, bytes, location])).toEqual([
      [200, gzip.length, null],
      [200, gzip.length, null],
      [302, 0, '/new'],
    ])
    expect([...seen].sort()).toEqual(['/gzip?token=s3cret', '/old', '/pieces'])
    expect(charts.latency.map(({ name }) => name)).toEqual(['users', 'rate'])
    expect(model).toBeNull()
  })

  it('is asked with the headers that were told, whose values are told to nobody', async () => {
    const seen = new Map<string, number>()
    const { target } = await serving((request, response) => {
      const key = `${request.headers.host} ${request.headers.authorization} ${request.headers['x-a']}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
      response.end('ok')
    })
    const result = await bench(target.port, ['/'], {
      headers: { authorization: 'Bearer s3cret', 'x-a': 'b', host: 'api.example' },
    })
    expect([...seen.keys()]).toEqual(['api.example Bearer s3cret b'])
    expect(JSON.stringify(result)).not.toContain('s3cret')
    expect(result.settings.headers).toEqual(['authorization', 'x-a', 'host'])
  })

  it('that begins to refuse is told of, and passes nothing', async () => {
    let answers = 0
    const { target } = await serving((_request, response) => {
      response.statusCode = ++answers > 1 ? 503 : 200
      response.end()
    })
    const { rows } = await bench(target.port, ['/'], { phase: 'mvp' })
    const verdicts = Object.fromEntries(rows.map(({ metric, pass, why }) => [metric, [pass, why]]))
    expect(verdicts.users_p99_ms).toEqual([false, expect.stringContaining('answers with 503 instead of 200')])
    expect(verdicts.rate_p99_ms).toEqual([false, expect.stringContaining('answers with 503 instead of 200')])
  })

  it('that closes connections, after each answer or after some, is measured over new ones', async () => {
    const closing = await serving((_request, response) => void response.setHeader('connection', 'close').end('ok'))
    const some = await serving((_request, response) => void response.end('ok'))
    some.server.maxRequestsPerSocket = 7
    for (const { target } of [closing, some]) {
      const { rows } = await bench(target.port, ['/'])
      expect(faultsIn(rows)).toEqual([])
      expect(figuresIn(rows).users_per_s).toBeGreaterThan(5)
    }
  })

  it('has a status of its own for each URL, and something in each answer that had something', async () => {
    let answers = 0
    const { target } = await serving((request, response) => {
      const isFirst = ++answers <= 2
      response.statusCode = request.url === '/old' ? 302 : isFirst ? 200 : 302
      response.end()
    })
    const { rows } = await bench(target.port, ['/', '/old'], { rate: null })
    expect(rows[0]?.why).toContain('answers with 302 instead of 200')
    let empty = 0
    const emptying = await serving((_request, response) => void response.end(++empty > 1 ? '' : 'ok'))
    const { rows: emptied } = await bench(emptying.target.port, ['/'])
    expect(emptied.map(({ why }) => why)).toEqual(Array(10).fill(expect.stringContaining('empty answers')))
  })

  it('keeps its finished rounds when it goes away', async () => {
    let server: Server | null = null
    const served = await serving((_request, response) => void response.end('ok'))
    server = served.server
    const note = (line: string) => {
      if (!line.startsWith('round 2')) return
      server?.closeAllConnections()
      server?.close()
    }
    const { rows } = await bench(served.target.port, ['/'], { repeat: 2, duration: 0.3 }, note)
    expect(rows[0]).toMatchObject({ metric: 'users_per_s', valid: false, samples: 2, max: expect.toSatisfy(perS => perS > 0) })
    expect(rows[0]?.why).toContain('nothing was answered')
  })

  it('has its highest rate searched, judged by a phase', async () => {
    const { target } = await serving((_request, response) => void setTimeout(() => response.end('ok'), 200))
    const load = { rate: null, search: true, phase: 'mvp', goalMs: 60 } as const
    const { rows, highestRate, charts } = await bench(target.port, ['/'], load)
    // No answer of 200 ms keeps to 60, at whatever rate: the lowest that says anything is tried twice.
    const row = rows.find(({ metric }) => metric === 'highest_rate_per_s')
    expect(row).toMatchObject({ phase: 'mvp', target: 100, atLeast: true, pass: false })
    expect(highestRate).toMatchObject({ highestPerS: null, goalMs: 60, why: expect.stringMatching(/^at \d+ per second /) })
    expect(charts.rates.map(({ pass }) => pass)).toEqual([false, false])
  })
})

describe('feedctl bench api --url', () => {
  const run = (...flags: string[]) => runCli(['bench', 'api', '--duration', '1', '--repeat', '1', ...flags])

  it('loads nothing that does not answer as it should', async () => {
    let requests = 0
    const { target, server } = await serving((_request, response) => {
      requests++
      response.statusCode = 404
      response.end()
    })
    const url = `http://127.0.0.1:${target.port}/none`
    expect(await run('--url', url)).toMatchObject({ exit: 8, err: expect.stringContaining('/none is answered with 404') })
    expect(requests).toBe(1)
    server.close()
    server.closeAllConnections()
    expect(await run('--url', url)).toMatchObject({ exit: 5, err: expect.stringContaining('does not answer') })
  })

  it.each([
    [2, 'no http or https URL', ['--url', 'ftp://127.0.0.1/']],
    [2, 'a user or a password', ['--url', 'http://me:secret@127.0.0.1/']],
    [2, 'is another server than', ['--url', 'http://127.0.0.1:1/', '--url', 'http://127.0.0.1:2/']],
    [2, "--nginx is of feedctl's own API", ['--url', 'http://127.0.0.1:1/', '--nginx']],
    [2, 'line 1 of --header is no header', ['--url', 'http://127.0.0.1:1/', '--header', 'nonsense']],
    [2, 'headers are sent to a URL', ['--header', 'a: b']],
    [3, 'may open', ['--url', 'http://127.0.0.1:1/', '--connections', '250000']],
    [4, 'cannot read', ['--url', 'http://127.0.0.1:1/', '--header-file', 'nowhere.txt']],
  ] as const)('ends with %d and says: %s', async (exit, words, flags) => {
    const result = await run(...flags)
    expect(result).toMatchObject({ exit, err: expect.stringContaining(words), out: '' })
    expect(result.err).not.toContain('secret')
  })

  it('trusts certificates as Node does, and measures what it trusts', async () => {
    const { authority, valid } = makeCertificates()
    const { port } = await openTlsServer(valid)
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'authority.crt'), authority.cert)
    writeFileSync(join(folder, 'headers.txt'), '# of the test\nauthorization: Bearer s3cret\n')
    const flags = [
      'api',
      '--url',
      `https://127.0.0.1:${port}/`,
      '--connections',
      '3',
      '--rate',
      '30',
      '--no-search',
      '--duration',
      '1',
      '--repeat',
      '1',
    ]
    const goal = ['--goal-ms', String(GOAL_MS), '--header-file', join(folder, 'headers.txt'), '--json']
    const [stranger, known] = await Promise.all([
      runBench(flags),
      runBench([...flags, ...goal], { NODE_EXTRA_CA_CERTS: join(folder, 'authority.crt') }),
    ])
    expect(stranger).toMatchObject({ exit: 5, err: expect.stringMatching(/does not answer: .*certificate/) })
    expect(known.exit, known.err).toBe(0)
    expect(faultsIn(rowsIn(known.out))).toEqual([])
    expect(known.out + known.err).not.toContain('s3cret')
  })
})

test('users send nothing to whom no trusted certificate names', async () => {
  const { port } = await openTlsServer(makeCertificates().valid)
  const asked = [{ text: requestText('/', 'h', {}), status: 200, bytes: null, sha256: null }]
  const result = await userLoop({ target: { host: '127.0.0.1', port, secure: true }, users: 2, durationMs: 300, asked })
  expect(result).toMatchObject({
    answers: 0,
    complaints: [expect.stringMatching(/^connections lost: no connection: .*certificate/)],
  })
})

test('a first answer has so much time in all, and so many bytes', async () => {
  const { target } = await serving((request, response) => {
    // A little now and then is an answer without an end.
    const timer = setInterval(() => response.write('x'.repeat(request.url === '/large' ? 500 : 1)), 20)
    response.on('close', () => clearInterval(timer))
  })
  const ask = (path: string) =>
    askFirst(target, path, {}, new AbortController().signal, { patienceMs: path === '/slow' ? 300 : 20_000, mostBytes: 2_000 })
  await expect(ask('/slow')).rejects.toThrow('the answer was not whole after 0.3 s')
  await expect(ask('/large')).rejects.toThrow('more than 2000 bytes')
})

test('headers are read from lines, and sent as they are', () => {
  expect(headersIn(['# a comment', '', 'X-A:  b: c ', 'x-a: d'], 'here')).toEqual({ 'x-a': 'd' })
  for (const line of ['no colon', ': no name', 'a b: c', 'a: \u0001']) {
    expect(() => headersIn(['a: b', line], 'here'), line).toThrow('line 2 of here is no header')
  }
  expect(() => headersIn(['Content-Length: 3'], 'here')).toThrow('the header content-length cannot be set')
  expect(requestText('/a', 'h:1', { 'x-a': 'b' })).toBe('GET /a HTTP/1.1\r\nhost: h:1\r\nx-a: b\r\n\r\n')
  expect(requestText('/a', 'h:1', { host: 'other' })).toBe('GET /a HTTP/1.1\r\nhost: other\r\n\r\n')
})

test.each([
  ['http://h.example/a?b=c#d', { host: 'h.example', port: 80 }, 'h.example', '/a?b=c'],
  ['https://h.example', { host: 'h.example', port: 443, secure: true }, 'h.example', '/'],
  ['http://[::1]:8080/ä', { host: '::1', port: 8080 }, '[::1]:8080', '/%C3%A4'],
])('%s is asked where it says', (url, target, host, path) => {
  expect(addressOf([url])).toMatchObject({ target, host, paths: [path] })
})
