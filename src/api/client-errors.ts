import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { nextRequestId, REQUEST_ID, SECURITY_HEADERS } from './headers.js'
import { PROBLEM_TYPE, problemOf, type Told } from './problems.js'

const TOLD: Readonly<Record<string, Told>> = {
  HPE_HEADER_OVERFLOW: { code: 'HEADERS_TOO_LARGE', detail: 'the request line and its headers are too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { code: 'BODY_TOO_LARGE', detail: 'the extensions of its chunks are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'REQUEST_TIMEOUT', detail: 'the request did not come in in time' },
}
const MALFORMED: Told = { code: 'USAGE', detail: 'this is no HTTP request' }

/** Answers what could not be read as a request, and ends the connection: what comes next on it cannot be told from it. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  // An answer that has begun cannot be taken back, and who has gone gets none.
  if (!socket.writable || error.code === 'ECONNRESET' || hasBegun(socket)) {
    socket.destroy()
    return
  }
  socket.end(rawAnswer(TOLD[error.code ?? ''] ?? MALFORMED, nextRequestId()))
  // What it still sends would otherwise be waited for.
  socket.destroySoon()
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
