import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Encoding, ServedDocument } from './library.js'
import type { Tally } from './tally.js'

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly query: URLSearchParams
  readonly tally: Tally
}

/** Answers with the document: 304 when the client has it, gzip when the client takes it. */
export function sendDocument(exchange: Exchange, document: ServedDocument): void {
  const { request, response, tally } = exchange
  const encoding: Encoding = takesGzip(request.headers['accept-encoding'] ?? '') ? 'gzip' : 'identity'
  const headers: OutgoingHttpHeaders = {
    etag: `"${tagOf(document, encoding)}"`,
    'last-modified': new Date(document.modifiedMs).toUTCString(),
    'cache-control': 'max-age=300',
    vary: 'Accept-Encoding',
  }
  if (isNotModified(request, document)) {
    tally.sawNotModified()
    response.writeHead(304, headers).end()
    return
  }
  if (encoding === 'gzip') headers['content-encoding'] = 'gzip'
  sendBody(exchange, 200, { ...headers, 'content-type': document.contentType }, document.body(encoding))
}

export function sendBody(exchange: Exchange, status: number, headers: OutgoingHttpHeaders, body: string | Buffer): void {
  const bytes = Buffer.byteLength(body)
  exchange.tally.sent(bytes)
  exchange.response.writeHead(status, { ...headers, 'content-length': bytes }).end(body)
}

/** RFC 9110, 13.2.2: If-Modified-Since counts only where there is no If-None-Match. */
function isNotModified(request: IncomingMessage, document: ServedDocument): boolean {
  const tags = request.headers['if-none-match']
  if (tags !== undefined) {
    const known = [tagOf(document, 'identity'), tagOf(document, 'gzip')]
    return tags.trim() === '*' || Array.from(tags.matchAll(/(?:W\/)?"([^"]*)"/g)).some(match => known.includes(match[1] ?? ''))
  }
  const since = Date.parse(request.headers['if-modified-since'] ?? '')
  return !Number.isNaN(since) && document.modifiedMs <= since
}

/** A strong tag names bytes, so the compressed ones have their own. */
function tagOf(document: ServedDocument, encoding: Encoding): string {
  return encoding === 'gzip' ? `${document.etag}-gzip` : document.etag
}

function takesGzip(accept: string): boolean {
  return accept.split(',').some(part => /^\s*gzip\s*(;|$)/i.test(part) && !/;\s*q=0(\.0*)?\s*$/i.test(part))
}
