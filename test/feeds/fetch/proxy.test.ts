import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Fetcher } from '../../../src/feeds/fetch/fetcher.js'
import type { Lookup } from '../../../src/feeds/fetch/resolve.js'
import { isFailure } from '../../../src/kernel/errors.js'
import { findFreePort } from '../../support/server.js'
import { ANSWERS, BODY } from './answers.js'
import { type Certificates, makeCertificates, openTlsServer } from './certificates.js'
import { calm, fetchOnce, NONE, openFetcher, verdictOf } from './fetchers.js'
import { openProxyServer } from './proxy-server.js'
import { type Answer, openPublisher } from './publisher.js'
import { openRawServer } from './raw-server.js'

const PUBLIC = '198.41.0.4'
/** public.example and moved.example are at a public address, which only the proxy can reach; the others as they say. */
const lookup: Lookup = (hostname, _options, callback) => {
  const table: Record<string, string[]> = {
    'private.example': ['10.0.0.1'],
    'mixed.example': [PUBLIC, '10.0.0.1'],
    'nowhere.example': [],
  }
  const addresses = table[hostname] ?? [PUBLIC]
  setImmediate(() =>
    callback(
      null,
      addresses.map(address => ({ address, family: 4 })),
    ),
  )
}

async function openPublicHost(answers: Record<string, Answer> = ANSWERS) {
  const publisher = await openPublisher(answers)
  onTestFinished(() => publisher.close())
  return publisher
}
const through = (port: number, host = `user:p%40ss@127.0.0.1`) => ({
  proxy: `http://${host}:${port}`,
  lookup,
  allow: ['public.example', 'moved.example'],
})

let certificates: Certificates
beforeAll(() => {
  certificates = makeCertificates()
})

describe('through a proxy', () => {
  it('an http feed is forwarded, and only the proxy is told the password', async () => {
    const [proxy, host] = [await openProxyServer(), await openPublicHost()]
    const outcome = await fetchOnce(`http://public.example:${host.port}/feed`, through(proxy.port))
    expect(outcome.kind === 'document' ? Buffer.from(outcome.body).toString() : outcome).toBe(BODY)
    expect(proxy.seen).toMatchObject([
      {
        method: 'GET',
        target: `http://public.example:${host.port}/feed`,
        headers: { 'proxy-authorization': `Basic ${Buffer.from('user:p@ss').toString('base64')}` },
      },
    ])
    expect(host.seen[0]?.headers.host).toBe(`public.example:${host.port}`)
    expect(host.seen[0]?.headers).not.toHaveProperty('proxy-authorization')
    expect(host.seen[0]?.headers['user-agent']).toBe('feedctl test')
  })

  it('an https feed goes by a tunnel, and its certificate is looked at here', async () => {
    const [proxy, server] = [await openProxyServer(), await openTlsServer(certificates.authority)]
    const outcome = await fetchOnce(`https://public.example:${server.port}/feed`, through(proxy.port))
    expect(outcome).toMatchObject({ failure: { code: 'FEED_UNREACHABLE', message: expect.stringContaining('self-signed') } })
    expect(proxy.seen).toMatchObject([
      {
        method: 'CONNECT',
        target: `public.example:${server.port}`,
        headers: { 'proxy-authorization': expect.stringMatching(/^Basic /) },
      },
    ])
    expect(server.seen).toEqual([])
  })

  it('validators, redirects and budgets work as without', async () => {
    const [proxy, host] = [await openProxyServer(), await openPublicHost()]
    const fetcher = openFetcher(through(proxy.port))
    const at = (path: string) =>
      fetcher.fetch(`http://public.example:${host.port}${path}`, { etag: 'W/"x" odd', lastModified: 'as I said' }, calm)
    expect(await at('/moved-conditional')).toMatchObject({
      kind: 'not-modified',
      permanentUrl: `http://public.example:${host.port}/conditional`,
    })
    expect(verdictOf(await at('/many'))).toBe('FEED_LIMITED')
    expect(verdictOf(await at('/feed'))).toBe('postponed')
  })

  it.each([
    'http://10.0.0.1/',
    'http://[::ffff:10.0.0.1]/',
    'http://2130706433/',
    'http://private.example/',
    'https://private.example/',
    'http://mixed.example/',
    'http://public.example.other:8080/',
  ])('%s is refused here, before the proxy is asked', async url => {
    const proxy = await openProxyServer()
    expect(verdictOf(await fetchOnce(url, through(proxy.port)))).toBe('ADDRESS_REFUSED')
    expect(proxy.seen).toEqual([])
  })

  it('a redirect to a private name is refused here', async () => {
    const moves: Answer = (_, response) => void response.writeHead(302, { location: 'http://private.example/x' }).end()
    const [proxy, host] = [await openProxyServer(), await openPublicHost({ '/moves': moves })]
    expect(verdictOf(await fetchOnce(`http://public.example:${host.port}/moves`, through(proxy.port)))).toBe('ADDRESS_REFUSED')
    expect(proxy.seen).toHaveLength(1)
  })

  it('a name without an address is unreachable, and one that is not looked up in time is late', async () => {
    const proxy = await openProxyServer()
    expect(verdictOf(await fetchOnce('http://nowhere.example/', through(proxy.port)))).toBe('FEED_UNREACHABLE')
    const never: Lookup = () => {}
    const outcome = await fetchOnce('http://public.example/', { ...through(proxy.port), lookup: never, timeoutMs: 100 })
    expect(verdictOf(outcome)).toBe('FEED_TIMEOUT')
    expect(proxy.seen).toEqual([])
  })

  it.each([403, 407, 502])('what the proxy itself answers (%i) is not the answer of an https publisher', async status => {
    const proxy = await openProxyServer(status)
    const outcome = await fetchOnce('https://public.example/', through(proxy.port))
    expect(outcome).toMatchObject({
      status: null,
      failure: { code: 'FEED_UNREACHABLE', message: expect.stringContaining(`${status}`) },
    })
  })

  it('a proxy that wants other credentials is named', async () => {
    const proxy = await openProxyServer(407)
    const outcome = await fetchOnce('http://public.example/', through(proxy.port))
    expect(outcome).toMatchObject({
      status: null,
      failure: { code: 'FEED_UNREACHABLE', message: expect.stringContaining('proxy') },
    })
  })

  it.each([
    'http',
    'https',
  ])('a proxy that is down or silent ends the fetch, without a word of its password: %s', async scheme => {
    const down = await fetchOnce(`${scheme}://public.example/`, through(await findFreePort()))
    expect(verdictOf(down)).toBe('FEED_UNREACHABLE')
    const silent = await openRawServer(null)
    const late = await fetchOnce(`${scheme}://public.example/`, { ...through(silent.port), timeoutMs: 200 })
    expect(verdictOf(late)).toBe('FEED_TIMEOUT')
    expect(JSON.stringify([down, late])).not.toMatch(/p@ss|p%40ss|dXNlcj/)
  })
})

describe('a proxy', () => {
  it.each([
    'proxy.example:3128',
    'socks5://hunter2@proxy.example',
    'http://u:hunter2@proxy.example/path',
    'hunter2',
  ])('setting %j is refused without being shown', proxy => {
    try {
      new Fetcher({
        allow: [],
        concurrency: 1,
        perHost: 1,
        timeoutMs: 1,
        maxBodyBytes: 1,
        maxRedirects: 0,
        userAgent: 'x',
        proxy,
      })
      expect.unreachable()
    } catch (error) {
      expect(isFailure(error, 'CONFIG_INVALID') && JSON.stringify(error)).not.toContain('hunter2')
      expect(isFailure(error, 'CONFIG_INVALID')).toBe(true)
    }
  })

  it('of the environment is not used', async () => {
    const [proxy, host] = [await openProxyServer(), await openPublicHost()]
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'NODE_USE_ENV_PROXY']
    const before = Object.fromEntries(names.map(name => [name, process.env[name]]))
    onTestFinished(() => {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    })
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${proxy.port}`
    expect(verdictOf(await openFetcher().fetch(`${host.url}/feed`, NONE, calm))).toBe('document')
    expect(proxy.seen).toEqual([])
  })
})
