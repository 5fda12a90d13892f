import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { parseFeed } from 'feedsmith'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FaultName } from '../../src/bench/feed-server/faults.js'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'

let server: FeedServer

beforeAll(async () => {
  server = await startFeedServer()
})

afterAll(() => server.close())

/** The answer as soon as its headers are there; the body is left to the test. */
async function open(name: FaultName, query = ''): Promise<IncomingMessage> {
  const [response] = await once(get(`${server.faultUrl(name)}${query}`, { agent: false }), 'response')
  return response
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Reads at least so many bytes, then leaves. */
async function readSome(response: IncomingMessage, leastBytes: number): Promise<string> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.length >= leastBytes) break
  }
  return text
}

describe('a fault', () => {
  test.each([404, 410, 429, 500] as const)('answers status %i', async status => {
    const response = await open(`status-${status}`)
    await read(response)
    expect(response.statusCode).toBe(status)
  })

  test('asks to come back in two minutes', async () => {
    const response = await open('status-503-retry-after')
    await read(response)
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '120'])
  })

  test('hangs without even headers until the client leaves', async () => {
    const before = server.stats().requests
    const request = get(server.faultUrl('hang'), { agent: false })
    let answered = false
    request.on('response', () => {
      answered = true
    })
    await expect.poll(() => server.stats().requests).toBe(before + 1)
    const another = await open('status-404')
    await read(another)
    expect(answered).toBe(false)
    const left = once(request, 'error')
    request.destroy(new Error('enough'))
    await left
  })

  test('dribbles a well-formed start byte by byte', async () => {
    const response = await open('slow')
    response.setEncoding('utf8')
    expect(await readSome(response, 3)).toBe('<?x')
  })

  test('cuts the connection at half of what it promised', async () => {
    const response = await open('cut')
    let received = 0
    response.on('data', chunk => {
      received += chunk.length
    })
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(received).toBeGreaterThan(1000)
    expect(received).toBe(Math.floor(Number(response.headers['content-length']) / 2))
  })

  test('sends items without end, no faster than they are read', async () => {
    const response = await open('endless')
    const text = await readSome(response, 2_000_000)
    expect(text.match(/<\/item>/g)?.length).toBeGreaterThan(500)
    const whole = `${text.slice(0, text.lastIndexOf('</item>'))}</item></channel></rss>`
    expect(parseFeed(whole).format).toBe('rss')

    const unread = await open('endless')
    await once(unread, 'readable')
    let sentBytes = -1
    const sentSince = () => {
      const before = sentBytes
      sentBytes = server.stats().bytes
      return sentBytes - before
    }
    await expect.poll(sentSince, { interval: 100 }).toBe(0)
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
    unread.destroy()
  })

  test.each(['gzip', 'br'] as const)('grows from a small %s body to more than 200 MB', async encoding => {
    const response = await open(`bomb-${encoding}`)
    expect(response.headers['content-encoding']).toBe(encoding)
    let packedBytes = 0
    let bytes = 0
    response.on('data', chunk => {
      packedBytes += chunk.length
    })
    const unpacked = response.pipe(encoding === 'gzip' ? createGunzip() : createBrotliDecompress())
    let last = ''
    for await (const chunk of unpacked) {
      bytes += chunk.length
      last = chunk.subarray(-30).toString()
    }
    expect(bytes).toBeGreaterThan(200_000_000)
    expect(packedBytes).toBeLessThan(2_000_000)
    expect(last).toContain('</rss>')
  })

  test('redirects in a circle of two', async () => {
    const there = await open('redirect-loop')
    const back = await open('redirect-loop-back')
    await Promise.all([read(there), read(back)])
    expect([there.statusCode, there.headers.location]).toEqual([302, server.faultUrl('redirect-loop-back')])
    expect([back.statusCode, back.headers.location]).toEqual([302, server.faultUrl('redirect-loop')])
  })

  test('redirects to a private address, or where it is told', async () => {
    const plain = await open('redirect-private')
    const told = await open('redirect-private', `?to=${encodeURIComponent('http://127.0.0.1:1/a?b=c')}`)
    await Promise.all([read(plain), read(told)])
    expect(plain.headers.location).toBe('http://10.0.0.1/feed.xml')
    expect(told.headers.location).toBe('http://127.0.0.1:1/a?b=c')
  })

  test.each([301, 302] as const)('redirects with %i to a feed', async status => {
    const response = await open(`redirect-${status}`)
    await read(response)
    expect([response.statusCode, response.headers.location]).toEqual([status, `${server.origin}/feeds/1.xml`])
  })

  test('breaks off after five whole items', async () => {
    const text = (await read(await open('malformed'))).toString()
    expect(text).toContain('</titel>')
    const whole = `${text.slice(0, text.indexOf('<item><title>This one'))}</channel></rss>`
    const parsed = parseFeed(whole)
    expect(parsed.format === 'rss' && parsed.feed.items?.length).toBe(5)
  })

  test('answers a web page, nothing, or noise', async () => {
    const [html, empty, garbage] = [await open('html'), await open('empty'), await open('garbage')]
    expect(html.headers['content-type']).toContain('text/html')
    expect((await read(html)).toString()).toMatch(/^<!DOCTYPE html>/)
    expect([empty.statusCode, (await read(empty)).length]).toEqual([200, 0])
    const noise = await read(garbage)
    expect(noise).toHaveLength(4096)
    expect(new Set(noise).size).toBeGreaterThan(200)
    expect(await read(await open('garbage'))).toEqual(noise)
  })

  test('is a podcast of 1.6 MB with an enclosure in each of hundreds of episodes', async () => {
    const body = await read(await open('podcast'))
    expect(body.length).toBeGreaterThan(1_500_000)
    expect(body.length).toBeLessThan(1_700_000)
    const parsed = parseFeed(body.toString())
    if (parsed.format !== 'rss') throw new Error(`read as ${parsed.format}`)
    expect(parsed.feed.items).toHaveLength(420)
    expect(parsed.feed.items?.every(item => item.enclosures?.length === 1 && item.itunes?.duration !== undefined)).toBe(true)
    expect(new Set(parsed.feed.items?.map(item => item.guid?.value)).size).toBe(420)
  })

  test('is Latin-1 that nobody declared', async () => {
    const response = await open('latin1')
    const body = await read(response)
    expect(response.headers['content-type']).toBe('text/xml')
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(body)).toThrow()
    const text = body.toString('latin1')
    expect(text).toContain('Übergrößen für Zoë')
    expect(text).not.toContain('encoding')
  })

  test('is UTF-16 with a byte order mark', async () => {
    const body = await read(await open('utf16'))
    expect([...body.subarray(0, 2)]).toEqual([0xff, 0xfe])
    expect(new TextDecoder('utf-16le').decode(body)).toContain('Übergrößen für Zoë')
  })
})
