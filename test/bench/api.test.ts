import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import type { bareServer } from '../../src/bench/api/bare-server.js'
import { type ClosedLoopOrder, closedLoop } from '../../src/bench/api/closed-loop.js'
import type { Target } from '../../src/bench/api/connection.js'
import type { Asked } from '../../src/bench/api/expectations.js'
import { measureHeld, spreadOf } from '../../src/bench/api/held.js'
import { Latencies } from '../../src/bench/api/latencies.js'
import type { ApiLoad } from '../../src/bench/api/load.js'
import { LoadProcess, saturation } from '../../src/bench/api/load-process.js'
import { checkConnections } from '../../src/bench/api/preflight.js'
import { processTree, residentBytes } from '../../src/bench/api/processes.js'
import { askedFor, askOnce, differences, requestText, sameBytes } from '../../src/bench/api/real-answer.js'
import { answeredRows, rowsOf } from '../../src/bench/api/rows.js'
import { sumOf } from '../../src/bench/api/service.js'
import { judge, least, most, unlessShort } from '../../src/bench/judging.js'

const TEXT = requestText('/a', 'token')
const RIGHT: Asked = { text: TEXT, status: 200, bytes: 2, sha256: null }

async function serving(listener: RequestListener): Promise<Target & { readonly server: Server }> {
  const server = createServer(listener)
  // One that is held up takes nobody's connection for idle.
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, server }
}

function loop(target: Target, changes: Partial<ClosedLoopOrder> = {}) {
  const order = { connections: 4, durationMs: 20_000, most: 200, asked: [RIGHT], sequence: null, ...changes }
  return closedLoop({ target, ...order })
}

describe('the closed loop', () => {
  it('counts what is answered, each once', async () => {
    let requests = 0
    const target = await serving((_request, response) => {
      requests++
      response.setHeader('content-length', 2).end('ok')
    })
    const hashed = askedFor('/a', 'token', { status: 200, headers: [], body: Buffer.from('ok') })
    const result = await loop(target, { asked: [hashed] })
    expect(result).toMatchObject({ answers: 200, wrong: 0, lost: 0, byStatus: { 200: 200 }, complaints: [] })
    expect(requests).toBe(200)
    expect(result.latency.count).toBe(200)
    expect(result.hashed).toBeGreaterThan(0)
    // What may differ is not kept.
    expect((await loop(target)).hashed).toBe(0)
  })

  it('notices other statuses, lengths and bytes', async () => {
    let turn = 0
    const target = await serving((_request, response) => {
      turn++
      response.statusCode = turn % 4 === 0 ? 500 : 200
      response.end(turn % 4 === 1 ? 'longer' : 'ok')
    })
    const { wrong, complaints } = await loop(target)
    expect(wrong).toBeGreaterThanOrEqual(100)
    expect([...complaints].sort()).toEqual(['answers of 6 bytes instead of 2', 'answers with 500 instead of 200'])
    const expected = askedFor('/a', 'token', { status: 200, headers: [], body: Buffer.from('no') })
    expect((await loop(target, { asked: [expected], connections: 1 })).complaints).toContain('answers with other bytes')
  })

  it('notices connections that are lost, and goes on with the others', async () => {
    let turn = 0
    const target = await serving((request, response) => {
      turn++
      if (turn === 10) request.socket.destroy()
      else response.end('ok')
    })
    expect(await loop(target)).toMatchObject({ answers: 199, lost: 1, complaints: [expect.stringContaining('connections lost')] })
  })

  it('counts each request that is never answered, with the time that was waited for it', async () => {
    const target = await serving((request, response) => {
      if (request.url === '/a') response.end('ok')
      else setTimeout(() => request.socket.destroy(), 300)
    })
    const asked = ['/a', '/never'].map(path => ({ ...RIGHT, text: requestText(path, 'token') }))
    const { lost, answers, latency } = await loop(target, { asked, connections: 2, most: 2 })
    expect({ lost, answers, count: latency.count }).toEqual({ lost: 1, answers: 1, count: 2 })
    expect(latency.maxMs).toBeGreaterThanOrEqual(290)
  })

  it.each([
    ['whole, with the answer', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    ['in part, with the answer', 'HTTP/1.1 200 OK\r\ncontent-len'],
  ])('takes nothing for an answer that nobody asked for: %s', async (_name, more) => {
    const server = createTcpServer(socket => {
      socket.on('error', () => {})
      socket.on('data', () => void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${more}`))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    expect(await loop({ host: '127.0.0.1', port }, { connections: 1, most: 3 })).toMatchObject({
      ...{ answers: 1, lost: 1, complaints: ['connections lost: an answer that nobody asked for'] },
    })
  })

  it('asks in the order it is told', async () => {
    const paths: string[] = []
    const target = await serving((request, response) => {
      paths.push(request.url ?? '')
      response.end('ok')
    })
    const asked = ['/a', '/b', '/c'].map(path => ({ ...RIGHT, text: requestText(path, 'token') }))
    await loop(target, { asked, sequence: [2, 0, 0, 1], most: 8, connections: 1 })
    expect(paths.join('')).toBe('/c/a/a/b/c/a/a/b')
  })
})

describe('a bare server', () => {
  it('sends the bytes of the real answer, but for the time', async () => {
    const target = await serving((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', etag: '"x"', 'content-length': 3 }).end('[1]')
    })
    target.server.keepAliveTimeout = 72_000
    const real = await askOnce(target, '/', 'token')
    await using helper = LoadProcess.start(new AbortController().signal)
    const { result } = await helper.run<Awaited<ReturnType<typeof bareServer>>>('bareServer', sameBytes(real))
    const bare = await askOnce({ host: '127.0.0.1', port: result.port }, '/anything', '')
    expect(differences(real, bare)).toEqual([])
    expect(differences(real, { ...bare, body: Buffer.from('[2]') })).toEqual(['the bare server sends another body'])
    expect(differences(real, { ...bare, headers: bare.headers.slice(2) })).toEqual(['the bare server sends other headers'])
  })
})

describe('connections that are held', () => {
  it('are all asked twice, and none is lost', async () => {
    const target = await serving((_request, response) => void response.end('ok'))
    const holder = { target: { host: target.host, port: target.port }, residentBytes: () => residentBytes([process.pid]) }
    const held = await measureHeld(holder, { connections: 60, workers: 1 }, [RIGHT], new AbortController().signal)
    expect(held).toMatchObject({ open: 60, fewestAnswers: 2, lost: 0, faults: [] })
  })

  it('that are closed are told of', async () => {
    let answers = 0
    const target = await serving((request, response) => {
      response.end('ok')
      if (++answers === 30) response.once('finish', () => setImmediate(() => request.socket.destroy()))
    })
    const holder = { target: { host: target.host, port: target.port }, residentBytes: () => null }
    const held = await measureHeld(holder, { connections: 30, workers: 1 }, [RIGHT], new AbortController().signal)
    expect(held).toMatchObject({ open: 29, fewestAnswers: 1, lost: 1, bytesPerConnection: null })
  })

  it('are spread over processes and addresses that can have them', () => {
    const { clients, addresses } = spreadOf(25_000, 2, { files: 20_000, ports: 28_232 })
    expect(clients).toBe(3)
    expect(new Set(addresses.flat()).size).toBe(3)
    expect(addresses.flat()).not.toContain('127.0.0.1')
    expect(() => checkConnections(19_500, { files: 20_000, ports: 28_232 })).not.toThrow()
    expect(() => checkConnections(19_501, { files: 20_000, ports: 28_232 })).toThrow(
      'would open 19501 connections, and may open 20000 files',
    )
    expect(() => checkConnections(19_763, { files: 90_000, ports: 28_232 })).toThrow('an address has 28232 ports')
    expect(() => checkConnections(250_000, { files: null, ports: null })).not.toThrow()
    expect(() => spreadOf(25_000, 1, { files: 20_000, ports: 28_232 })).toThrow(
      'would hold 25000 connections, and may open 20000 files',
    )
    expect(() => spreadOf(25_000, 2, { files: 20_000, ports: 20 })).toThrow('an address has 20 ports')
  })
})

describe('verdicts', () => {
  const look = (value: number | null, faults: string[] = []) => ({ value, faults })

  it('bite on both sides', () => {
    const ratio = (value: number) => judge(null, 'ratio', [look(value)], least(0.75))
    expect(ratio(0.75)).toMatchObject({ pass: true, valid: true, atLeast: true, target: 0.75 })
    expect(ratio(0.74)).toMatchObject({ pass: false, valid: true })
    const time = judge(null, 'time_ms', [look(151)], most(150))
    expect(time).toMatchObject({ pass: false, valid: true })
    expect(time).not.toHaveProperty('atLeast')
  })

  it('take the median of all looks, and none when a look has a fault', () => {
    expect(judge(null, 'x', [look(1), look(9), look(2)], most(2))).toMatchObject({ measured: 2, min: 1, max: 9, pass: true })
    expect(judge(null, 'x', [look(1), look(1, ['wrong bytes'])], most(2))).toMatchObject({
      ...{ pass: false, valid: false, why: 'wrong bytes' },
    })
  })

  it('are not given on what was promised and could not be measured', () => {
    expect(judge(null, 'x', [look(null)], most(2))).toMatchObject({ pass: false, valid: false, why: 'x could not be measured' })
    expect(judge(null, 'x', [look(null)])).toMatchObject({ pass: null, valid: true })
  })

  it('on a time are spoilt by a busy generator only when it is too long', () => {
    expect(unlessShort(100, 150, [], ['busy'])).toEqual(look(100))
    expect(unlessShort(200, 150, [], ['busy'])).toEqual(look(200, ['busy']))
    const strain = { cpuShare: 0.5, loopShare: 0.97, loopDelayP99Ms: 1 }
    expect(saturation(strain)).toEqual([expect.stringContaining('saturated (97 % busy)')])
    expect(saturation({ ...strain, loopShare: 0.5 })).toEqual([])
  })
})

test('times are told to three parts in a hundred, whatever they are', () => {
  const latencies = new Latencies()
  for (let ms = 1; ms <= 1_000; ms++) latencies.add(ms)
  const { count, meanMs, p50Ms, p95Ms, p99Ms, maxMs } = latencies.figures()
  expect({ count, meanMs, maxMs }).toEqual({ count: 1_000, meanMs: 500.5, maxMs: 1_000 })
  for (const [measured, real] of [
    [p50Ms, 500],
    [p95Ms, 950],
    [p99Ms, 990],
  ] as const) {
    expect(measured).toBeGreaterThanOrEqual(real)
    expect(measured).toBeLessThanOrEqual(real * 1.035)
  }
  expect(new Latencies().figures()).toMatchObject({ count: 0, p99Ms: null })
})

test('a metric is summed over its labels, and no other is taken for it', () => {
  const text = '# HELP a b\na_total{from="x"} 2\na_total{from="y"} 3\na_total_more 9\nb 1.5\n'
  expect([sumOf(text, 'a_total'), sumOf(text, 'b'), sumOf(text, 'a')]).toEqual([5, 1.5, null])
})

test('a process is found with those that it started', async () => {
  await using helper = LoadProcess.start(new AbortController().signal)
  expect(processTree(process.pid)).toContain(helper.pid)
  // Its program has only begun to be loaded.
  await expect.poll(() => residentBytes([helper.pid])).toBeGreaterThan(1_000_000)
})

describe('the rows of a benchmark of the API', () => {
  const GOAL = { phase: null, goalMs: 150, search: true, scaling: false }
  const LOAD: ApiLoad = {
    tenants: 20,
    connections: 1_000,
    rate: 3_000,
    workers: 1,
    nginx: false,
    duration: 10,
    repeat: 1,
    ...GOAL,
  }
  const latency = { count: 9, meanMs: 1, p50Ms: 1, p95Ms: 2, p99Ms: 3, maxMs: 4 }
  const drawing = { latencies: new Latencies().counts(), arrivals: { everyMs: 250, came: [] } }
  const answered = { drawing, perS: 9_000, latency, faults: [], doubts: [], misses: [], generatorShare: 0.5 }
  const throughput = (perS: number) => ({ perS, cpuUs: 50, p50Ms: 1, p99Ms: 2, share: 0.9 })
  const rowNamed = (metric: string, load: ApiLoad, statementsPerRequest = 1) => {
    const cached = { feedctl: throughput(20_000), bare: throughput(25_000), generatorShare: 0.5, faults: [] }
    const round = {
      cached,
      users: { users: answered, crowd: answered, rate: answered },
      uncached: { ...answered, statementsPerRequest },
      nginx: null,
    }
    return rowsOf(load, [round]).find(row => row.metric === metric)
  }

  it('promise nothing of several processes beside one bare server', () => {
    expect(rowNamed('cached_ratio', LOAD)).toMatchObject({ measured: 0.8, target: 0.75, pass: true })
    expect(rowNamed('cached_ratio', { ...LOAD, workers: 4 })).toMatchObject({ measured: 0.8, target: null, pass: null })
  })

  it('promise times of a thousand users, and nothing of fewer', () => {
    expect(rowNamed('users_p99_ms', LOAD)).toMatchObject({ target: 150, pass: true })
    expect(rowNamed('crowd_p99_ms', LOAD)).toMatchObject({ target: 150, pass: true })
    expect(rowNamed('users_p99_ms', { ...LOAD, connections: 999 })).toMatchObject({ target: null, pass: null })
  })

  it('promise nothing kept at a rate that fell behind, or whose generator cannot be believed', () => {
    const rows = (changes: Partial<typeof answered>) => answeredRows('rate', [{ ...answered, ...changes }], 150, 'mvp')
    const p99 = (changes: Partial<typeof answered>) => rows(changes).find(({ metric }) => metric === 'rate_p99_ms')
    expect(p99({})).toMatchObject({ pass: true, valid: true, why: null })
    expect(p99({ misses: ['only 7 per second'] as never })).toMatchObject({ pass: false, valid: true, why: 'only 7 per second' })
    expect(rows({ faults: ['late'] as never }).map(({ valid, why }) => [valid, why])).toEqual(Array(5).fill([false, 'late']))
  })

  it.each([0, 0.94])('take no %d statements for each request as good news', statements => {
    expect(rowNamed('uncached_statements', LOAD, 1.04)).toMatchObject({ pass: true, valid: true })
    expect(rowNamed('uncached_statements', LOAD, statements)).toMatchObject({ pass: false, valid: false })
  })
})
