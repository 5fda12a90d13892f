import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FetcherOptions, FetchOutcome } from '../../../src/feeds/fetch/fetcher.js'
import { findFreePort } from '../../support/server.js'
import { ANSWERS, BODY, held } from './answers.js'
import { calm, NONE, openFetcher } from './fetchers.js'
import { openPublisher, type Publisher } from './publisher.js'

let publisher: Publisher

beforeAll(async () => {
  publisher = await openPublisher(ANSWERS)
})
afterEach(() => {
  for (const release of held.splice(0)) release()
})
afterAll(() => publisher.close())

function get(path: string, options: Partial<FetcherOptions> = {}): Promise<FetchOutcome> {
  return openFetcher(options).fetch(publisher.url + path, NONE, calm)
}

function textOf(outcome: FetchOutcome): string {
  return outcome.kind === 'document' ? new TextDecoder().decode(outcome.body) : JSON.stringify(outcome)
}

describe('a document', () => {
  it('arrives with its validators word for word and where it came from', async () => {
    const outcome = await get('/feed')
    expect(textOf(outcome)).toBe(BODY)
    expect(outcome).toMatchObject({
      contentType: 'text/xml; charset=utf-8',
      etag: '"é"',
      lastModified: 'yesterday, about noon',
      finalUrl: `${publisher.url}/feed`,
      permanentUrl: null,
      cacheMaxAgeS: null,
      wireBytes: BODY.length,
    })
  })

  it('has bytes of its own, which can be transferred', async () => {
    const outcome = await get('/feed')
    if (outcome.kind !== 'document') throw new Error(textOf(outcome))
    expect(outcome.body.byteOffset).toBe(0)
    expect(outcome.body.buffer.byteLength).toBe(outcome.body.byteLength)
  })

  it('says how long it is fresh', async () => {
    expect(await get('/fresh')).toMatchObject({ kind: 'document', cacheMaxAgeS: 600 })
  })

  it.each(['/gzip', '/br', '/deflate', '/deflate-raw', '/gzip-br'])('is decompressed: %s', async path => {
    const outcome = await get(path)
    expect(textOf(outcome)).toBe(BODY)
    expect(outcome).toMatchObject({ kind: 'document' })
  })

  it('is asked for with the name of the program, without cookies, and with the encodings it reads', async () => {
    publisher.seen.splice(0)
    await get('/feed')
    const [request] = publisher.seen
    expect(request?.headers).toMatchObject({ 'user-agent': 'feedctl test', 'accept-encoding': 'gzip, br, deflate' })
    expect(request?.headers.accept).toContain('application/atom+xml')
    expect(request?.headers).not.toHaveProperty('cookie')
    expect(request?.headers).not.toHaveProperty('if-none-match')
  })
})

describe('a conditional request', () => {
  it('gives the validators back as they were and reports that nothing changed', async () => {
    const outcome = await openFetcher().fetch(
      `${publisher.url}/conditional`,
      { etag: 'W/"x" odd', lastModified: 'as I said' },
      calm,
    )
    expect(outcome).toEqual({
      kind: 'not-modified',
      status: 304,
      etag: '"new"',
      lastModified: null,
      cacheMaxAgeS: 60,
      finalUrl: `${publisher.url}/conditional`,
      permanentUrl: null,
      requests: 1,
    })
  })

  it('sends each validator without the other', async () => {
    const fetcher = openFetcher()
    publisher.seen.splice(0)
    await fetcher.fetch(`${publisher.url}/feed`, { etag: null, lastModified: 'Tuesday-ish' }, calm)
    await fetcher.fetch(`${publisher.url}/feed`, { etag: '"only"', lastModified: null }, calm)
    const sent = publisher.seen.map(({ headers }) => [headers['if-none-match'], headers['if-modified-since']])
    expect(sent).toEqual([
      [undefined, 'Tuesday-ish'],
      ['"only"', undefined],
    ])
  })

  it('keeps the moves before a 304', async () => {
    const validators = { etag: 'W/"x" odd', lastModified: 'as I said' }
    const target = `${publisher.url}/conditional`
    const moved = await openFetcher().fetch(`${publisher.url}/moved-conditional`, validators, calm)
    expect(moved).toMatchObject({ kind: 'not-modified', finalUrl: target, permanentUrl: target, requests: 2 })
    const found = await openFetcher().fetch(`${publisher.url}/found-conditional`, validators, calm)
    expect(found).toMatchObject({ kind: 'not-modified', finalUrl: target, permanentUrl: null, requests: 3 })
  })

  it('leaves out a validator that cannot be a header', async () => {
    const outcome = await openFetcher().fetch(`${publisher.url}/conditional`, { etag: 'a\r\nb: c', lastModified: '日' }, calm)
    expect(outcome.kind).toBe('document')
  })

  it('a 304 that nobody asked for is a failure', async () => {
    expect(await get('/always-304')).toMatchObject({ kind: 'failed', status: 304, failure: { code: 'FEED_HTTP_STATUS' } })
  })
})

describe('a failure', () => {
  it.each([
    ['/absent', 'FEED_HTTP_STATUS', 404],
    ['/gone', 'FEED_GONE', 410],
    ['/error', 'FEED_HTTP_STATUS', 500],
    ['/empty', 'FEED_EMPTY', 200],
    ['/empty-gzip', 'FEED_EMPTY', 200],
    ['/four', 'FEED_ENCODING', null],
    ['/zstd', 'FEED_ENCODING', null],
    ['/not-gzip', 'FEED_ENCODING', null],
    ['/cut-gzip', 'FEED_CUT', null],
    ['/cut', 'FEED_CUT', null],
    ['/cut-chunked', 'FEED_CUT', null],
    ['/cut-at-once', 'FEED_CUT', null],
    ['/bomb', 'FEED_TOO_LARGE', null],
    ['/endless', 'FEED_TOO_LARGE', null],
    ['/loop', 'FEED_REDIRECTS', null],
    ['/hop0', 'FEED_REDIRECTS', null],
    ['/nowhere', 'FEED_REDIRECTS', null],
    ['/ftp', 'FEED_REDIRECTS', null],
    ['/elsewhere', 'ADDRESS_REFUSED', null],
    ['/metadata', 'ADDRESS_REFUSED', null],
    ['/stray-port', 'ADDRESS_REFUSED', null],
  ])('%s is %s', async (path, code, status) => {
    expect(await get(path)).toMatchObject({ kind: 'failed', status, failure: { code } })
  })

  it('names the status', async () => {
    expect(await get('/error')).toMatchObject({ failure: { message: expect.stringContaining('500') } })
  })

  it('tells which hop failed, and where the moves before it led', async () => {
    const target = `${publisher.url}/gone`
    expect(await get('/moved-gone')).toMatchObject({
      failure: { code: 'FEED_GONE' },
      host: `127.0.0.1:${publisher.port}`,
      finalUrl: target,
      permanentUrl: target,
      requests: 2,
    })
  })

  it.each(['/hang', '/hang-body'])('%s ends with the total time', async path => {
    expect(await get(path, { timeoutMs: 150 })).toMatchObject({ kind: 'failed', failure: { code: 'FEED_TIMEOUT' } })
  })

  it('a host that refuses the connection, or that nobody knows, is unreachable', async () => {
    const closed = `http://127.0.0.1:${await findFreePort()}`
    const fetcher = openFetcher()
    expect(await fetcher.fetch(closed, NONE, calm)).toMatchObject({ failure: { code: 'FEED_UNREACHABLE' } })
    expect(await fetcher.fetch('http://nobody.invalid/', NONE, calm)).toMatchObject({ failure: { code: 'FEED_UNREACHABLE' } })
  })

  it('what is no URL is refused', async () => {
    expect(await openFetcher().fetch('gopher://x', NONE, calm)).toMatchObject({ failure: { code: 'URL_INVALID' } })
  })
})

describe('a redirect', () => {
  it('is permanent when every hop is', async () => {
    const target = `${publisher.url}/feed`
    expect(await get('/moved')).toMatchObject({ kind: 'document', finalUrl: target, permanentUrl: target })
    expect(await get('/found')).toMatchObject({ kind: 'document', finalUrl: target, permanentUrl: null })
  })

  it('counts as requests', async () => {
    const fetcher = openFetcher()
    expect(await fetcher.fetch(`${publisher.url}/found`, NONE, calm)).toMatchObject({ requests: 4 })
    expect(await fetcher.fetch(`${publisher.url}/nowhere`, NONE, calm)).toMatchObject({ kind: 'failed', requests: 1 })
    expect(await fetcher.fetch('http://10.0.0.1/', NONE, calm)).toMatchObject({ kind: 'failed', requests: 0 })
    expect(fetcher.requests).toBe(5)
    expect(fetcher.bytes).toBe(BODY.length)
  })
})

describe('the address guard', () => {
  it('refuses loopback, by number and by name, without connecting', async () => {
    publisher.seen.splice(0)
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0x7f.1']) {
      const outcome = await openFetcher({ allow: [] }).fetch(`http://${host}:${publisher.port}/feed`, NONE, calm)
      expect(outcome, host).toMatchObject({ kind: 'failed', failure: { code: 'ADDRESS_REFUSED' } })
    }
    const named = await openFetcher({ allow: [] }).fetch('http://localhost/feed', NONE, calm)
    expect(named).toMatchObject({ failure: { code: 'ADDRESS_REFUSED' } })
    expect(publisher.seen).toHaveLength(0)
  })

  it('lets pass what the operator names, whatever form the name has', async () => {
    for (const allow of ['127.0.0.0/8', 'localhost', `localhost:${publisher.port}`, `127.0.0.1:${publisher.port}`]) {
      const outcome = await openFetcher({ allow: [allow] }).fetch(`http://localhost:${publisher.port}/feed`, NONE, calm)
      expect(outcome.kind, allow).toBe('document')
    }
  })

  it('keeps an exemption to its port', async () => {
    const outcome = await openFetcher({ allow: ['localhost:1'] }).fetch(`http://localhost:${publisher.port}/feed`, NONE, calm)
    expect(outcome).toMatchObject({ failure: { code: 'ADDRESS_REFUSED' } })
  })
})

describe('the operator', () => {
  it('stops a fetch with the reason of the signal, in flight and queued', async () => {
    const fetcher = openFetcher({ concurrency: 1 })
    const stop = new AbortController()
    const fetches = [1, 2, 3].map(() => fetcher.fetch(`${publisher.url}/hang`, NONE, stop.signal))
    await expect.poll(() => held.length).toBe(1)
    stop.abort(new Error('enough'))
    for (const fetch of fetches) await expect(fetch).rejects.toThrow('enough')
    expect(fetcher.requests).toBe(1)
    expect((await fetcher.fetch(`${publisher.url}/feed`, NONE, calm)).kind).toBe('document')
  })

  it('is not kept waiting by a slow host', async () => {
    const fetcher = openFetcher({ concurrency: 2, perHost: 1, allow: ['127.0.0.1', 'localhost'] })
    const stop = new AbortController()
    const slow = [1, 2, 3, 4].map(() => fetcher.fetch(`${publisher.url}/hang`, NONE, stop.signal))
    const other = await fetcher.fetch(`http://localhost:${publisher.port}/feed`, NONE, calm)
    expect(other.kind).toBe('document')
    expect(held).toHaveLength(1)
    stop.abort(new Error('enough'))
    await Promise.allSettled(slow)
  })

  it('does not count the wait for a slot as time of the fetch', async () => {
    const fetcher = openFetcher({ concurrency: 1, timeoutMs: 1_500 })
    const paths = ['/hang', '/hang', '/feed']
    const outcomes = await Promise.all(paths.map(path => fetcher.fetch(publisher.url + path, NONE, calm)))
    expect(outcomes.map(outcome => outcome.kind)).toEqual(['failed', 'failed', 'document'])
  })
})
