import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Failure } from '../kernel/errors.js'
import { nextRequestId, REQUEST_ID, SECURITY_HEADERS } from './headers.js'
import { PROBLEM_TYPE, problemOf, type Told } from './problems.js'

const TOLD: Readonly<Record<string, Told>> = {
  HPE_HEADER_OVERFLOW: { code: 'HEADERS_TOO_LARGE', detail: 'the request line and its headers are too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { code: 'BODY_TOO_LARGE', detail: 'the extensions of its chunks are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'REQUEST_TIMEOUT', detail: 'the request did not come in in time' },
}
const MALFORMED: Told = { code: 'USAGE', detail: 'this is no HTTP request' }
const NO_PROXY: Told = { code: 'USAGE', detail: 'CONNECT leads nowhere: this is no proxy' }

/** Answers what could not be read as a request, and ends the connection: what comes next on it cannot be told from it. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // An answer that has begun cannot be taken back, and who has gone gets none.
  if (!socket.writable || error.code === 'ECONNRESET' || hasBegun(socket)) {
    socket.destroy()
    return
  }
  endWith(socket, TOLD[error.code ?? ''] ?? MALFORMED)
  // What it still sends would otherwise be waited for.
  socket.destroySoon()
}

/** What node would answer by itself, and without a word, is told as everything else: see `oddity`, which its requests are to be asked for. */
export function answerOddities(server: Server): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  server.on('connect', (_request, socket: Duplex) => {
    // Nobody else listens to it any more.
    socket.on('error', () => {})
    endWith(socket, NO_PROXY)
    socket.once('finish', () => socket.destroy())
  })
}

/** Why a request that can be read is refused whatever it asks for; null mostly. */
export function oddity({ headers, httpVersion }: IncomingMessage): Failure | null {
  if (httpVersion !== '1.1') return null
  if (headers.host === undefined) return new Failure('USAGE', 'the request has no host header')
  const { expect } = headers
  if (expect === undefined || /^100-continue$/i.test(expect)) return null
  return new Failure('USAGE', 'of what a request may expect only 100-continue is met')
}

function endWith(socket: Duplex, told: Told): void {
  socket.end(rawAnswer(told, nextRequestId()))
}

function rawAnswer(told: Told, requestId: string): string {
  const problem = problemOf(told, requestId)
  const body = JSON.stringify(problem)
  const headers = {
    ...SECURITY_HEADERS,
    [REQUEST_ID]: requestId,
    'cache-control': 'no-store',
    'content-type': PROBLEM_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n')
}

/** Node keeps the answer that is under way at its socket. */
function hasBegun(socket: Socket & { readonly _httpMessage?: { readonly headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true
}
