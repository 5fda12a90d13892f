import { type IncomingMessage, request } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { parseUrl } from '../../kernel/parse-url.js'
import type { Target } from '../api/connection.js'
import { shownPath } from './address.js'
import type { RequestHeaders } from './headers.js'

/** How much patience there is with one answer, and how much of it is read. */
const LIMITS = { patienceMs: 20_000, mostBytes: 64 * 1024 * 1024 }

/** What a URL is answered before any load. */
export interface FirstAnswer {
  readonly status: number
  /** Of its body, as it was sent. */
  readonly bytes: number
  /** Where a redirect leads, which is not followed, without its query; null where it is none. */
  readonly location: string | null
  /** Whether the server closes the connection after it. */
  readonly closes: boolean
}

/** @throws {Failure} UNAVAILABLE when nobody answers, or with 5xx; CHECK_FAILED for any other answer that is neither 2xx nor 3xx */
export async function askFirst(
  target: Target,
  path: string,
  headers: RequestHeaders,
  signal: AbortSignal,
  limits = LIMITS,
): Promise<FirstAnswer> {
  const answer = await ask(target, path, headers, signal, limits).catch((error: Error) => {
    signal.throwIfAborted()
    throw new Failure('UNAVAILABLE', `${target.host}:${target.port} does not answer: ${wordsOf(error)}`, { cause: error })
  })
  if (answer.status >= 200 && answer.status < 400) return answer
  const code = answer.status >= 500 ? 'UNAVAILABLE' : 'CHECK_FAILED'
  const hint =
    answer.status === 401 || answer.status === 403 ? { hint: '--header-file with a line `authorization: Bearer ...`' } : {}
  throw new Failure(code, `${shownPath(path)} is answered with ${answer.status}`, hint)
}

function ask(
  { host, port, secure }: Target,
  path: string,
  headers: RequestHeaders,
  signal: AbortSignal,
  { patienceMs, mostBytes }: typeof LIMITS,
): Promise<FirstAnswer> {
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port,
      path,
      headers: { connection: 'keep-alive', ...headers },
      agent: false as const,
      signal,
    }
    const asking = secure ? requestSecurely(options, read) : request(options, read)
    function read(response: IncomingMessage): void {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > mostBytes) asking.destroy(new Error(`an answer of more than ${mostBytes} bytes`))
      })
      response.on('error', reject)
      response.on('end', () => {
        const { statusCode = 0, httpVersion } = response
        const closes = httpVersion === '1.0' || /\bclose\b/i.test(response.headers.connection ?? '')
        const { location } = response.headers
        resolve({ status: statusCode, bytes, location: location === undefined ? null : withoutQuery(location), closes })
        asking.destroy()
      })
    }
    asking.on('error', reject)
    const timer = setTimeout(() => asking.destroy(new Error(`the answer was not whole after ${patienceMs / 1000} s`)), patienceMs)
    asking.on('close', () => clearTimeout(timer))
    asking.end()
  })
}

function withoutQuery(location: string): string {
  const url = parseUrl(location)
  return url === null ? (location.split(/[?#]/)[0] ?? '') : `${url.origin}${url.pathname}`
}
