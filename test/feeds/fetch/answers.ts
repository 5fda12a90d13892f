import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { Answer } from './publisher.js'

export const BODY = `<rss>${'a feed of some length '.repeat(500)}</rss>`
const sends = (status: number, headers: Record<string, string>, body: string | Buffer = ''): Answer => {
  return (_request, response) => void response.writeHead(status, headers).end(body)
}
const encoded = (encoding: string, body: Buffer): Answer => sends(200, { 'content-encoding': encoding }, body)
const endless = (head: Record<string, string>): Answer => {
  return (_request, response) => {
    response.writeHead(200, head)
    const chunk = Buffer.alloc(16_384, 'x')
    const pump = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', pump)
    pump()
  }
}
/** What hanging answers wait for: called after the test. */
export const held: (() => void)[] = []

/** Every way a publisher answers, by path. */
export const ANSWERS: Record<string, Answer> = {
  '/feed': sends(200, { 'content-type': 'text/xml; charset=utf-8', etag: '"é"', 'last-modified': 'yesterday, about noon' }, BODY),
  '/fresh': sends(200, { 'cache-control': 'public, max-age=600', expires: 'Thu, 01 Jan 2099 00:00:00 GMT' }, BODY),
  '/conditional': (request, response) => {
    const same = request.headers['if-none-match'] === 'W/"x" odd' && request.headers['if-modified-since'] === 'as I said'
    response.writeHead(same ? 304 : 200, { etag: '"new"', 'cache-control': 'max-age=60' }).end(same ? undefined : BODY)
  },
  '/always-304': sends(304, {}),
  '/gone': sends(410, {}),
  '/error': sends(500, {}, 'x'.repeat(200_000)),
  '/busy': sends(503, { 'retry-after': '120' }),
  '/busy-without-time': sends(503, {}),
  '/many': sends(429, { 'retry-after': '30' }),
  '/many-without-time': sends(429, {}),
  '/challenge': sends(403, { 'cf-mitigated': 'challenge' }, '<html>'),
  '/challenge-503': sends(503, { 'cf-mitigated': 'challenge', 'retry-after': '9' }),
  '/challenge-202': sends(202, { 'x-amzn-waf-action': 'challenge' }, '<html>'),
  '/empty': sends(200, { 'content-length': '0' }),
  '/empty-gzip': sends(200, { 'content-encoding': 'gzip' }),
  '/gzip': encoded('gzip', gzipSync(BODY)),
  '/br': encoded('br', brotliCompressSync(BODY)),
  '/deflate': encoded('deflate', deflateSync(BODY)),
  '/deflate-raw': encoded('deflate', deflateRawSync(BODY)),
  '/gzip-br': encoded('gzip, br', brotliCompressSync(gzipSync(BODY))),
  '/four': encoded('gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(gzipSync(BODY))))),
  '/zstd': encoded('rot13', Buffer.from(BODY)),
  '/not-gzip': encoded('gzip', Buffer.from(BODY)),
  '/cut-gzip': encoded('gzip', gzipSync(BODY).subarray(0, 60)),
  '/bomb': encoded('gzip', gzipSync(Buffer.alloc(50_000_000))),
  '/endless': endless({ 'content-type': 'text/xml' }),
  '/hang': (_request, response) => void held.push(() => response.destroy()),
  '/hang-body': (_request, response) => {
    response.writeHead(200)
    response.write('<rss>')
    held.push(() => response.destroy())
  },
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': '100000' })
    response.write('<rss>', () => response.destroy())
  },
  '/cut-chunked': (_request, response) => {
    response.writeHead(200)
    response.write('<rss>', () => response.destroy())
  },
  '/cut-at-once': (request, _response) => void request.socket.destroy(),
  '/moved': sends(301, { location: '/moved-again' }),
  '/moved-again': sends(308, { location: '/feed' }),
  '/moved-conditional': sends(301, { location: '/conditional' }),
  '/found-conditional': sends(307, { location: '/moved-conditional' }),
  '/moved-gone': sends(308, { location: '/gone' }),
  '/found': sends(302, { location: '/moved' }),
  '/loop': sends(301, { location: '/loop-back' }),
  '/loop-back': sends(301, { location: '/loop' }),
  '/nowhere': sends(302, {}),
  '/ftp': sends(302, { location: 'ftp://127.0.0.1/x' }),
  '/elsewhere': sends(302, { location: 'http://[::ffff:10.0.0.1]/x' }),
  '/metadata': sends(302, { location: 'http://169.254.169.254/latest' }),
  '/stray-port': sends(302, { location: 'http://198.41.0.4:22/' }),
}
for (let hop = 0; hop < 8; hop++) ANSWERS[`/hop${hop}`] = sends(302, { location: `/hop${hop + 1}` })
