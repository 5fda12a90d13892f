import type { OutgoingHttpHeaders } from 'node:http'
import { garbage, latin1Document, malformedDocument, podcast, utf16Document, webPage } from './broken-documents.js'
import { cut, endless, hang, sendBomb, slow } from './broken-streams.js'
import { type Exchange, sendBody, sendDocument } from './exchange.js'

export type Fault = (exchange: Exchange) => void

/** What the feed server answers, by name, at `/faults/<name>`. */
export type Faults = ReturnType<typeof openFaults>

export type FaultName = keyof Faults

const RSS = 'application/rss+xml'

/** Bodies are drawn from the seed; `origin` is where redirects lead to. */
export function openFaults(seed: number, origin: string) {
  const withPodcast = podcast(seed)
  return {
    'status-404': status(404),
    'status-410': status(410),
    'status-429': status(429),
    'status-500': status(500),
    'status-503-retry-after': status(503, { 'retry-after': '120' }),
    /** Nothing, not even headers. */
    hang,
    /** A well-formed start, one byte every 250 ms, for ever. */
    slow: exchange => slow(exchange, seed),
    /** The first half of what Content-Length promises, then the connection ends. */
    cut: exchange => cut(exchange, seed),
    /** Well-formed items for ever. */
    endless: exchange => endless(exchange, seed),
    /** 256 MiB of well-formed XML in 1.2 MB, or 50 KB. */
    'bomb-gzip': exchange => sendBomb(exchange, 'gzip'),
    'bomb-br': exchange => sendBomb(exchange, 'br'),
    /** To `redirect-loop-back`, which leads here again. */
    'redirect-loop': redirect(302, `${origin}/faults/redirect-loop-back`),
    'redirect-loop-back': redirect(302, `${origin}/faults/redirect-loop`),
    /** To `?to=`, else to a private address. */
    'redirect-private': exchange => redirect(302, exchange.query.get('to') ?? 'http://10.0.0.1/feed.xml')(exchange),
    'redirect-301': redirect(301, `${origin}/feeds/1.xml`),
    'redirect-302': redirect(302, `${origin}/feeds/1.xml`),
    /** Five whole items, then one whose end tag does not match. */
    malformed: page(RSS, () => malformedDocument(seed)),
    html: page('text/html; charset=utf-8', webPage),
    empty: page(RSS, () => Buffer.alloc(0)),
    garbage: page(RSS, () => garbage(seed)),
    /** 1.6 MB of RSS with 420 episodes. */
    podcast: exchange => sendDocument(exchange, withPodcast),
    /** ISO-8859-1 that is declared nowhere. */
    latin1: page('text/xml', latin1Document),
    /** UTF-16LE with a byte order mark. */
    utf16: page('text/xml', utf16Document),
  } satisfies Record<string, Fault>
}

export function isFaultName(faults: Faults, name: string): name is FaultName {
  return Object.hasOwn(faults, name)
}

function status(code: number, headers: OutgoingHttpHeaders = {}): Fault {
  return exchange => sendBody(exchange, code, { 'content-type': 'text/html', ...headers }, `<h1>${code}</h1>`)
}

function redirect(code: number, location: string): Fault {
  return exchange => sendBody(exchange, code, { location }, '')
}

function page(contentType: string, render: () => Buffer): Fault {
  return exchange => sendBody(exchange, 200, { 'content-type': contentType }, render())
}
