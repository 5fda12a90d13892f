import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'

const CUT = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'HPE_INVALID_EOF_STATE',
  'HPE_CLOSED_CONNECTION',
])
const LATE = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])

/** What an error of DNS, TCP, TLS or HTTP says about a feed; `host` is for the message. */
export function networkFailure(error: unknown, host: string): Failure {
  if (isFailure(error)) return error
  const code = codeOf(error)
  if (error instanceof AggregateError && code === 'ETIMEDOUT')
    return new Failure('FEED_TIMEOUT', `${host} does not answer`, { cause: error })
  if (LATE.has(code)) return new Failure('FEED_TIMEOUT', `${host} does not answer`, { cause: error })
  if (CUT.has(code)) return new Failure('FEED_CUT', `${host} cut the connection: ${wordsOf(error)}`, { cause: error })
  if (code === 'ENOTFOUND') return new Failure('FEED_UNREACHABLE', `${host} has no address (ENOTFOUND)`, { cause: error })
  if (code.startsWith('HPE_'))
    return new Failure('FEED_UNREACHABLE', `${host} does not speak HTTP: ${wordsOf(error)}`, { cause: error })
  return new Failure('FEED_UNREACHABLE', `${host} cannot be reached: ${wordsOf(error)}`, { cause: error })
}

/** True when a kept-alive connection was closed by the other side just as it was used again: the request was not looked at. */
export function wasStaleConnection(error: unknown): boolean {
  if (codeOf(error) !== 'UND_ERR_SOCKET' || !(error instanceof Error) || !('socket' in error)) return false
  const socket = error.socket
  return typeof socket === 'object' && socket !== null && 'bytesRead' in socket && Number(socket.bytesRead) > 0
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}
