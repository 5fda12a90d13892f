import type { LookupAddress } from 'node:dns'
import { isIPv6 } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createAddressGuard } from '../../../src/feeds/fetch/addresses.js'
import { createConnector } from '../../../src/feeds/fetch/connector.js'
import type { Lookup } from '../../../src/feeds/fetch/resolve.js'
import { isFailure } from '../../../src/kernel/errors.js'
import { calm, fetchOnce, NONE, openFetcher, verdictOf } from './fetchers.js'
import { openRawServer, type RawServer, type Script } from './raw-server.js'

// In these tests 127.0.0.1 plays the public Internet, and 127.0.0.2 what must never be connected to.
const PUBLIC = '127.0.0.1'
const PRIVATE = '127.0.0.2'

interface Names {
  readonly lookup: Lookup
  readonly asked: string[]
}

/** Answers each name from its list of answers, one after the other, the last one for ever. */
function names(table: Record<string, string[][]>): Names {
  const asked: string[] = []
  const lookup: Lookup = (hostname, _options, callback) => {
    asked.push(hostname)
    const answers = table[hostname.replace(/\.$/, '')]
    const addresses = (answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0]) ?? []
    const all: LookupAddress[] = addresses.map(address => ({ address, family: isIPv6(address) ? 6 : 4 }))
    setImmediate(() => callback(null, all))
  }
  return { lookup, asked }
}

const says = (head: string, body: string): Script => {
  return socket =>
    void socket.end(`HTTP/1.1 ${head}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'latin1')
}

/** Both play at the same port. */
async function openStage(publicSays: Script): Promise<{ port: number; secret: RawServer }> {
  const { port } = await openRawServer(publicSays, PUBLIC)
  return { port, secret: await openRawServer(says('200 OK', '<secret/>'), PRIVATE, port) }
}

describe('a name', () => {
  it.each([
    [[PRIVATE, PUBLIC]],
    [[PUBLIC, PRIVATE]],
    [['::1', PRIVATE, PUBLIC]],
    [['::ffff:127.0.0.2', 'fd00::1', PUBLIC]],
  ])('with the addresses %j is asked at the one that may be', async addresses => {
    const { port, secret } = await openStage(says('200 OK', '<public/>'))
    const { lookup } = names({ 'mixed.example': [addresses] })
    const outcome = await fetchOnce(`http://mixed.example:${port}/`, { lookup })
    expect(outcome.kind === 'document' ? Buffer.from(outcome.body).toString() : outcome).toBe('<public/>')
    expect(secret.connections).toBe(0)
  })

  it.each([
    [[PRIVATE]],
    [['::ffff:127.0.0.2']],
    [['64:ff9b::7f00:2']],
    [[PRIVATE, 'fe80::1', '::', '0.0.0.0']],
  ])('with the addresses %j is refused without connecting', async addresses => {
    const { port, secret } = await openStage(says('200 OK', '<public/>'))
    const { lookup } = names({ 'private.example': [addresses] })
    const outcome = await fetchOnce(`http://private.example:${port}/`, { lookup })
    expect([verdictOf(outcome), secret.connections]).toEqual(['ADDRESS_REFUSED', 0])
  })

  it('without any address is unreachable', async () => {
    const outcome = await fetchOnce('http://nowhere.example/', { lookup: names({}).lookup })
    expect(verdictOf(outcome)).toBe('FEED_UNREACHABLE')
  })

  it('is resolved once for a connection: what it answers afterwards is judged before it is used', async () => {
    const { port, secret } = await openStage(says('200 OK', '<public/>'))
    const { lookup, asked } = names({ 'rebinding.example': [[PUBLIC], [PRIVATE]] })
    const fetcher = openFetcher({ lookup })
    const first = await fetcher.fetch(`http://rebinding.example:${port}/`, NONE, calm)
    expect([verdictOf(first), asked.length]).toEqual(['document', 1])
    const second = await fetcher.fetch(`http://rebinding.example:${port}/`, NONE, calm)
    expect([verdictOf(second), asked.length]).toEqual(['ADDRESS_REFUSED', 2])
    expect(secret.connections).toBe(0)
  })

  it.each(['localhost', 'LOCALHOST'])('%s is refused as the system resolves it', async name => {
    const { port, secret } = await openStage(says('200 OK', '<public/>'))
    expect(verdictOf(await fetchOnce(`http://${name}/`, { allow: [] }))).toBe('ADDRESS_REFUSED')
    expect(verdictOf(await fetchOnce(`http://${name}:${port}/`, { allow: ['127.0.0.3'] }))).toBe('ADDRESS_REFUSED')
    expect(secret.connections).toBe(0)
  })
})

const SPELLINGS = [
  '127.0.0.2',
  '2130706434',
  '0x7f000002',
  '0x7F.2',
  '0177.0.0.02',
  '127.2',
  '127.0.0.2.',
  '%31%32%37.0.0.2',
  '①②⑦.0.0.2',
  '[::ffff:127.0.0.2]',
  '[::ffff:7f00:2]',
  '[::127.0.0.2]',
  '[64:ff9b::127.0.0.2]',
  '[2002:7f00:2::]',
  '[::1]',
  '[::]',
  '0',
  'public.example@127.0.0.2',
  'public.example:80@127.0.0.2',
  'private.example',
  'private.example.',
  'PRIVATE.example',
]

describe.each(SPELLINGS)('%s', spelling => {
  const table = () => names({ 'private.example': [[PRIVATE]], 'public.example': [[PUBLIC]] })

  it('is refused when a feed is there', async () => {
    const { port, secret } = await openStage(says('200 OK', '<public/>'))
    const outcome = await fetchOnce(`http://${spelling}:${port}/`, { lookup: table().lookup })
    expect([verdictOf(outcome), secret.connections]).toEqual(['ADDRESS_REFUSED', 0])
  })

  it('is refused when a feed redirects there', async () => {
    let location = ''
    const { port, secret } = await openStage(socket => says(`302 Found\r\nLocation: ${location}`, '')(socket, 1))
    location = Buffer.from(`http://${spelling}:${port}/`).toString('latin1')
    const outcome = await fetchOnce(`http://public.example:${port}/`, { lookup: table().lookup })
    expect([verdictOf(outcome), secret.connections]).toEqual(['ADDRESS_REFUSED', 0])
    expect(outcome).toMatchObject({ finalUrl: expect.not.stringContaining('public.example'), status: null })
  })
})

describe('a connection', () => {
  it.each(['127.0.0.2', '[::ffff:127.0.0.2]'])('to the address %s is judged even when nobody judged the URL', async hostname => {
    const { port, secret } = await openStage(says('200 OK', '<public/>'))
    const connect = createConnector(createAddressGuard([PUBLIC]), 1_000)
    const error = await new Promise(resolve => {
      connect({ hostname, protocol: 'http:', port: String(port) }, (...answer) => resolve(answer[0]))
    })
    expect([isFailure(error, 'ADDRESS_REFUSED'), secret.connections]).toEqual([true, 0])
  })
})

describe('a port', () => {
  it.each([
    ['http://198.41.0.4:22/', []],
    ['http://public.example:6379/', []],
    ['https://public.example:8443/', []],
    ['http://public.example:8080/', ['other.example:8080']],
    ['http://198.41.0.4:8080/', ['127.0.0.0/8']],
  ])('of %s is refused with %j exempt, and the name is not even looked up', async (url, allow) => {
    const { lookup, asked } = names({ 'public.example': [['198.41.0.4']] })
    expect(verdictOf(await fetchOnce(url, { allow, lookup }))).toBe('ADDRESS_REFUSED')
    expect(asked).toEqual([])
  })

  it('of a name is judged with its address when some address is exempt', async () => {
    const { lookup } = names({ 'public.example': [['198.41.0.4']] })
    expect(verdictOf(await fetchOnce('http://public.example:8080/', { allow: ['127.0.0.1:8080'], lookup }))).toBe(
      'ADDRESS_REFUSED',
    )
  })
})
