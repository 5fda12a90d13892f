import { describe, expect, it } from 'vitest'
import type { FetcherOptions } from '../../../src/feeds/fetch/fetcher.js'
import { calm, fetchOnce, NONE, openFetcher, verdictOf } from './fetchers.js'
import { openRawServer, type Script } from './raw-server.js'

const ask = async (script: Script | null, options: Partial<FetcherOptions> = {}) => {
  const { port } = await openRawServer(script)
  return fetchOnce(`http://127.0.0.1:${port}/feed`, options)
}
const says = (text: string, close = true): Script => {
  return socket => void (close ? socket.end(text, 'latin1') : socket.write(text, 'latin1'))
}
/** One byte at a time, for ever. */
const drips = (head: string): Script => {
  return socket => {
    socket.write(head)
    const timer = setInterval(() => socket.write('a'), 10)
    socket.on('close', () => clearInterval(timer))
  }
}

describe('a server that keeps to an old or odd form of HTTP is read:', () => {
  it.each<[string, Script, string]>([
    ['HTTP/1.0 without a length', says('HTTP/1.0 200 OK\r\n\r\n<rss/>'), '<rss/>'],
    ['HTTP/1.0 with one', says('HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>', false), '<rss/>'],
    ['no length and no chunks, ended by closing', says('HTTP/1.1 200 OK\r\n\r\n<rss/>'), '<rss/>'],
    ['more bytes than announced', says('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>and more', false), '<rss/>'],
    [
      'hints before the answer',
      says(`${'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(3)}HTTP/1.1 200 OK\r\n\r\n<rss/>`),
      '<rss/>',
    ],
    ['40 KB of headers', says(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(40_000)}\r\n\r\n<rss/>`), '<rss/>'],
    ['no reason after the status', says('HTTP/1.1 200\r\n\r\n<rss/>'), '<rss/>'],
    [
      'chunks with extensions and trailers',
      says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6;a=b\r\n<rss/>\r\n0\r\nX: y\r\n\r\n'),
      '<rss/>',
    ],
  ])('%s', async (_name, script, body) => {
    const outcome = await ask(script)
    expect(outcome.kind === 'document' ? Buffer.from(outcome.body).toString() : outcome).toBe(body)
  })
})

describe('a server that breaks HTTP has a failure with a code:', () => {
  it.each<[string, Script, string]>([
    ['closes instead of answering', socket => void socket.destroy(), 'FEED_CUT'],
    ['resets', socket => void socket.resetAndDestroy(), 'FEED_CUT'],
    ['ends in the headers', says('HTTP/1.1 200 OK\r\nContent-'), 'FEED_CUT'],
    ['ends before its length', says('HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n<rss/>'), 'FEED_CUT'],
    ['ends inside a chunk', says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n<rss/>'), 'FEED_CUT'],
    [
      'has a chunk of no size',
      says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<rss/>\r\n0\r\n\r\n'),
      'FEED_UNREACHABLE',
    ],
    ['has two lengths', says('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 7\r\n\r\n<rss/>'), 'FEED_CUT'],
    ['has a length below zero', says('HTTP/1.1 200 OK\r\nContent-Length: -6\r\n\r\n<rss/>'), 'FEED_UNREACHABLE'],
    ['speaks something else', says('220 ftp.example ready\r\n'), 'FEED_UNREACHABLE'],
    ['sends headers without an end', says(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(100_000)}`), 'FEED_TOO_LARGE'],
    ['sends one header without an end', says(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(500_000)}`), 'FEED_TOO_LARGE'],
  ])('%s', async (_name, script, code) => {
    expect(verdictOf(await ask(script))).toBe(code)
  })
})

describe('the total time ends', () => {
  it.each<[string, Script | null]>([
    ['a server that says nothing', null],
    ['a status line that drips', drips('HTTP/1.1 200 ')],
    ['headers that drip', drips('HTTP/1.1 200 OK\r\nX: ')],
    ['a body that drips', drips('HTTP/1.1 200 OK\r\n\r\n<rss>')],
    ['hints without an end', drips('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 ')],
  ])('%s', async (_name, script) => {
    expect(verdictOf(await ask(script, { timeoutMs: 200 }))).toBe('FEED_TIMEOUT')
  })

  it('redirects whose sum takes too long, though each does not', async () => {
    let hop = 0
    const script: Script = socket => {
      setTimeout(() => socket.write(`HTTP/1.1 302 Found\r\nLocation: /${hop++}\r\nContent-Length: 0\r\n\r\n`), 150)
    }
    const outcome = await ask(script, { timeoutMs: 400, maxRedirects: 20 })
    expect(verdictOf(outcome)).toBe('FEED_TIMEOUT')
    expect(outcome.requests).toBeLessThanOrEqual(4)
  })
})

describe('a kept-alive connection', () => {
  it('that was closed as it was used again is replaced, once', async () => {
    const script: Script = (socket, requests) => {
      if (requests > 1) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>')
    }
    const server = await openRawServer(script)
    const fetcher = openFetcher({ perHost: 1 })
    const outcomes = [1, 2].map(() => fetcher.fetch(`http://127.0.0.1:${server.port}/feed`, NONE, calm))
    expect((await Promise.all(outcomes)).map(({ kind, requests }) => [kind, requests])).toEqual([
      ['document', 1],
      ['document', 2],
    ])
    expect(server.connections).toBe(2)
  })

  it('brings an answer to nobody but who asked', async () => {
    // The second half is what a server sends unasked, for the next request on the connection.
    const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    let connections = 0
    const { port } = await openRawServer(socket => {
      connections++
      socket.write(connections === 1 ? answer('<mine/>') + answer('<evil/>') : answer('<next/>'))
    })
    const fetcher = openFetcher({ perHost: 1 })
    const bodies = []
    for (let n = 0; n < 2; n++) {
      const outcome = await fetcher.fetch(`http://127.0.0.1:${port}/feed`, NONE, calm)
      bodies.push(outcome.kind === 'document' ? Buffer.from(outcome.body).toString() : verdictOf(outcome))
    }
    expect(bodies).toEqual(['<mine/>', '<next/>'])
  })
})
