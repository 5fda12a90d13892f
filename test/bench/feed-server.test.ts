import { request } from 'node:http'
import { connect } from 'node:net'
import { platform } from 'node:os'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { isLoopback } from '../../src/bench/feed-server/addresses.js'
import { type FeedServer, type FeedServerOptions, startFeedServer } from '../../src/bench/feed-server/server.js'
import { findFreePort } from '../support/server.js'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

const servers: FeedServer[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.close()))
})

async function start(options: FeedServerOptions = {}): Promise<FeedServer> {
  const server = await startFeedServer({ items: 3, ...options })
  servers.push(server)
  return server
}

/** A bare request: nothing is decoded, followed or added. */
function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, method, agent: false }, async response => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
    })
    sent.on('error', reject).end()
  })
}

describe('a feed server', () => {
  test('answers a feed with validators, whatever its extension', async () => {
    const server = await start()
    const answer = await ask(server.urlOf(1))
    expect(server.urlOf(1)).toBe(`${server.origin}/feeds/1.xml`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/rss+xml; charset=utf-8')
    expect(answer.headers.etag).toMatch(/^"[\x21\x23-\x7e]+"$/)
    expect(Date.parse(String(answer.headers['last-modified']))).toBeGreaterThan(0)
    expect(answer.headers['cache-control']).toBe('max-age=300')
    expect((await ask(`${server.origin}/feeds/1.rss`)).body).toEqual(answer.body)
    expect((await ask(`${server.origin}/feeds/1`)).body).toEqual(answer.body)
  })

  test('answers 304 without a body to the tag it gave, alone, weak or in a list', async () => {
    const server = await start()
    for (const accept of ['identity', 'gzip']) {
      const { headers } = await ask(server.urlOf(1), { 'accept-encoding': accept })
      for (const tags of [String(headers.etag), `W/${headers.etag}`, `"other", ${headers.etag}`, '*']) {
        const again = await ask(server.urlOf(1), { 'accept-encoding': accept, 'if-none-match': tags })
        expect(again.status).toBe(304)
        expect(again.body).toHaveLength(0)
        expect(again.headers.etag).toBe(headers.etag)
      }
    }
    expect((await ask(server.urlOf(1), { 'if-none-match': '"other"' })).status).toBe(200)
  })

  test('answers 304 to the date it gave, unless a tag says otherwise', async () => {
    const server = await start()
    const since = String((await ask(server.urlOf(1))).headers['last-modified'])
    expect((await ask(server.urlOf(1), { 'if-modified-since': since })).status).toBe(304)
    const older = new Date(Date.parse(since) - 1000).toUTCString()
    expect((await ask(server.urlOf(1), { 'if-modified-since': older })).status).toBe(200)
    expect((await ask(server.urlOf(1), { 'if-modified-since': 'yesterday' })).status).toBe(200)
    expect((await ask(server.urlOf(1), { 'if-modified-since': since, 'if-none-match': '"other"' })).status).toBe(200)
  })

  test('compresses for those who take gzip, under a tag of its own', async () => {
    const server = await start()
    const plain = await ask(server.urlOf(1), { 'accept-encoding': 'br, gzip;q=0' })
    const packed = await ask(server.urlOf(1), { 'accept-encoding': 'br, gzip, deflate' })
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(packed.headers.vary).toBe('Accept-Encoding')
    expect(packed.headers.etag).not.toBe(plain.headers.etag)
    expect(packed.body.length).toBeLessThan(plain.body.length)
    expect(gunzipSync(packed.body)).toEqual(plain.body)
  })

  test('gives a new edition of one source, or of all, under new validators', async () => {
    const server = await start()
    const first = await Promise.all([1, 2].map(source => ask(server.urlOf(source))))
    server.advanceEdition(2)
    const second = await Promise.all([1, 2].map(source => ask(server.urlOf(source))))
    expect(second[0]?.headers.etag).toBe(first[0]?.headers.etag)
    expect(second[1]?.headers.etag).not.toBe(first[1]?.headers.etag)
    expect(second[1]?.body).not.toEqual(first[1]?.body)
    server.advanceEdition()
    const third = await ask(server.urlOf(1), {
      'if-modified-since': String(first[0]?.headers['last-modified']),
    })
    expect(third.status).toBe(200)
    expect(third.headers.etag).not.toBe(first[0]?.headers.etag)
  })

  test('serves the same feeds again after a restart on the same port', async () => {
    const port = await findFreePort()
    const server = await start({ seed: 5, port })
    const before = await ask(server.urlOf(4))
    await server.close()
    const again = await start({ seed: 5, port })
    expect((await ask(again.urlOf(4), { 'if-none-match': String(before.headers.etag) })).status).toBe(304)
    expect((await ask(again.urlOf(4))).body).toEqual(before.body)
  })

  test('answers 404 to what it does not have and 405 to what is not a GET', async () => {
    const server = await start()
    for (const path of ['/', '//', '/feeds/x.xml', '/feeds/', '/faults/toString', '/faults/none', '/_control/none']) {
      expect((await ask(`${server.origin}${path}`)).status, path).toBe(404)
    }
    expect((await ask(server.urlOf(1), {}, 'HEAD')).status).toBe(405)
  })

  test('counts requests by path, answers 304 and bytes, but not its control', async () => {
    const server = await start()
    const { body, headers } = await ask(`${server.urlOf(1)}?from=test`)
    await ask(server.urlOf(1), { 'if-none-match': String(headers.etag) })
    const other = await ask(server.urlOf(2))
    await ask(`${server.origin}/_control/stats`)
    expect(server.stats()).toMatchObject({
      requests: 3,
      notModified: 1,
      bytes: body.length + other.body.length,
      byPath: { '/feeds/1.xml': 2, '/feeds/2.xml': 1 },
    })
    server.resetStats()
    expect(server.stats()).toMatchObject({ requests: 0, notModified: 0, bytes: 0, byPath: {} })
  })

  test('counts the most requests that were open at once', async () => {
    const server = await start()
    const sockets = [1, 2, 3].map(() => connect(server.port, '127.0.0.1'))
    for (const socket of sockets) socket.write('GET /faults/hang HTTP/1.1\r\nHost: x\r\n\r\n')
    await expect.poll(() => server.stats().maxConcurrent).toBe(3)
    for (const socket of sockets) socket.destroy()
    const openNow = () => {
      server.resetStats()
      return server.stats().maxConcurrent
    }
    await expect.poll(openNow).toBe(0)
  })

  test('waits its latency before an answer', async () => {
    const server = await start({ latencyMs: 600_000 })
    const waiting = ask(server.urlOf(1))
    await expect.poll(() => server.stats().requests).toBe(1)
    server.setLatency(0)
    await ask(server.urlOf(2))
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting')
    await Promise.all([expect(waiting).rejects.toThrow('socket hang up'), server.close()])
  })

  test.runIf(platform() === 'linux')('spreads sources over loopback addresses', async () => {
    const server = await start({ spread: 600 })
    const hosts = Array.from({ length: 600 }, (_, source) => new URL(server.urlOf(source)).hostname)
    expect(new Set(hosts).size).toBe(600)
    expect(hosts[0]).toBe('127.0.1.1')
    expect(hosts[599]).toBe('127.0.3.100')
    expect(new URL(server.urlOf(600)).hostname).toBe(hosts[0])
    for (const source of [0, 251, 599]) {
      const answer = await ask(server.urlOf(source))
      expect(answer.status).toBe(200)
      expect(answer.body.toString()).toContain(server.origin.replace('127.0.0.1', hosts[source] ?? ''))
    }
  })

  test('takes only loopback for its neighbours', () => {
    const near = ['127.0.0.1', '127.9.8.7', '::1', '::ffff:127.0.0.1']
    const far = ['10.0.0.1', '192.168.1.127', '::ffff:10.127.0.1', 'fe80::1', '']
    expect(near.filter(isLoopback)).toEqual(near)
    expect(far.filter(isLoopback)).toEqual([])
  })

  test('is driven over HTTP as in process, and names a parameter that is wrong', async () => {
    const server = await start()
    const before = await ask(server.urlOf(1))
    expect((await ask(`${server.origin}/_control/edition?by=2&source=1`, {}, 'POST')).status).toBe(204)
    expect((await ask(server.urlOf(1))).headers.etag).not.toBe(before.headers.etag)
    expect((await ask(`${server.origin}/_control/prepare?from=1&to=5`, {}, 'POST')).status).toBe(204)
    expect(JSON.parse((await ask(`${server.origin}/_control/stats`)).body.toString())).toEqual(server.stats())
    expect((await ask(`${server.origin}/_control/reset`, {}, 'POST')).status).toBe(204)
    expect(server.stats().requests).toBe(0)
    const refusal = await ask(`${server.origin}/_control/latency?ms=soon`, {}, 'POST')
    expect([refusal.status, refusal.body.toString()]).toEqual([400, 'POST latency needs whole numbers: ms'])
  })

  test('refuses options out of their range and a port that is taken', async () => {
    const server = await start()
    await expect(startFeedServer({ latencyMs: -1 })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(startFeedServer({ formats: [] })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(startFeedServer({ port: server.port })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  test('closes with requests open, and closes twice', async () => {
    const server = await start()
    const hanging = ask(server.faultUrl('hang'))
    await expect.poll(() => server.stats().requests).toBe(1)
    await Promise.all([expect(hanging).rejects.toThrow(), server.close(), server.close()])
    await server.close()
    await expect(ask(server.urlOf(1))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
