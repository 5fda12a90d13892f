import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { MemoryGates } from '../../../src/caches/index.js'
import { Failure } from '../../../src/kernel/errors.js'
import { calm, NONE, openFetcher } from './fetchers.js'
import { type Answer, openPublisher } from './publisher.js'

const BODY = Buffer.from('picture '.repeat(40_000))
const BOUNDS = { accept: 'image/*', timeoutMs: 5_000, maxBytes: 1_000_000 }

async function publisherOf(answers: Readonly<Record<string, Answer>>) {
  const publisher = await openPublisher(answers)
  onTestFinished(() => publisher.close())
  return publisher
}

/** Keeps what comes, slowly, and never two chunks at once. */
function slowSink() {
  const chunks: Uint8Array[] = []
  let busy = 0
  return {
    most: 0,
    get bytes() {
      return Buffer.concat(chunks)
    },
    async write(chunk: Uint8Array) {
      this.most = Math.max(this.most, ++busy)
      await new Promise(resolve => setTimeout(resolve, 1))
      chunks.push(chunk)
      busy--
    },
  }
}

const encoded =
  (encoding: string, body: Buffer): Answer =>
  (_request, response) =>
    response.writeHead(200, { 'content-encoding': encoding }).end(body)

test('the sink gets the body in order, one chunk at a time, whatever it is packed in', async () => {
  const { url } = await publisherOf({
    '/plain': (_request, response) => response.end(BODY),
    '/gzip': encoded('gzip', gzipSync(BODY)),
    '/br': encoded('br', brotliCompressSync(BODY)),
    '/deflate': encoded('deflate', deflateSync(BODY)),
    '/raw': encoded('deflate', deflateRawSync(BODY)),
    '/moved': (_request, response) => response.writeHead(302, { location: '/gzip' }).end('here'),
  })
  const fetcher = openFetcher()
  for (const path of ['/plain', '/gzip', '/br', '/deflate', '/raw', '/moved']) {
    const sink = slowSink()
    expect(await fetcher.download(`${url}${path}`, sink, BOUNDS, calm), path).toMatchObject({ kind: 'arrived' })
    expect([sink.bytes.equals(BODY), sink.most], path).toEqual([true, 1])
  }
})

test.each([
  ['/large', 'FEED_TOO_LARGE'],
  ['/bomb', 'FEED_TOO_LARGE'],
  ['/torn', 'FEED_CUT'],
  ['/garbled', 'FEED_ENCODING'],
  ['/strange', 'FEED_ENCODING'],
  ['/cut', 'FEED_CUT'],
  ['/slow', 'FEED_TIMEOUT'],
  ['/missing', 'FEED_HTTP_STATUS'],
  ['/part', 'FEED_HTTP_STATUS'],
])('%s is %s', async (path, code) => {
  const { url } = await publisherOf({
    '/large': (_request, response) => response.end(Buffer.alloc(1_000_001)),
    '/bomb': encoded('gzip', gzipSync(Buffer.alloc(50_000_000))),
    '/torn': encoded('gzip', gzipSync(BODY).subarray(0, 300)),
    '/garbled': encoded('gzip', BODY),
    '/strange': encoded('rot13', BODY),
    '/cut': (_request, response) => {
      response.writeHead(200, { 'content-length': '5000' }).write('some')
      setTimeout(() => response.destroy(), 20)
    },
    '/part': (_request, response) => response.writeHead(206, { 'content-range': 'bytes 0-9/100' }).end('0123456789'),
    '/slow': (_request, response) => void response.writeHead(200).write('some'),
  })
  const bounds = { ...BOUNDS, timeoutMs: path === '/slow' ? 200 : 5_000 }
  expect(await openFetcher().download(`${url}${path}`, slowSink(), bounds, calm)).toMatchObject({
    kind: 'failed',
    failure: { code },
  })
})

test('a sink that wants no more ends the download with its reason, and the fetcher goes on', async () => {
  const { url } = await publisherOf({ '/': (_request, response) => response.end(BODY) })
  const fetcher = openFetcher({ perHost: 1 })
  const refusing = (reason: unknown) => ({ write: () => Promise.reject(reason) })
  const refused = new Failure('MEDIA_REFUSED', 'no picture')
  expect(await fetcher.download(`${url}/`, refusing(refused), BOUNDS, calm)).toMatchObject({
    failure: { code: 'MEDIA_REFUSED', message: 'no picture' },
  })
  const full = new Error('no space')
  await expect(fetcher.download(`${url}/`, refusing(full), BOUNDS, calm)).rejects.toBe(full)
  expect(await fetcher.fetch(`${url}/`, NONE, calm)).toMatchObject({ kind: 'document' })
})

test('a download keeps its place at the host for as long as it may take', async () => {
  let now = 1_000_000
  const gates = new MemoryGates(() => now)
  const asked: (() => void)[] = []
  const { url, port } = await publisherOf({ '/': (_request, response) => asked.push(() => response.end(BODY)) })
  const fetcher = openFetcher({ perHost: 1 }, gates)
  const download = fetcher.download(`${url}/`, slowSink(), { ...BOUNDS, timeoutMs: 600_000 }, calm)
  await expect.poll(() => asked.length).toBe(1)
  const theirs = { places: 1, perSecond: 1e6, burst: 10, leaseMs: 1_000, token: 'theirs' }
  const isFree = async () => (await gates.enter(`127.0.0.1:${port}`, theirs)).entered
  now += 599_000
  expect(await isFree()).toBe(false)
  asked[0]?.()
  expect(await download).toMatchObject({ kind: 'arrived' })
  expect(await isFree()).toBe(true)
})
