import { Failure, type FailureCode, isFailure, wordsOf } from '../../kernel/errors.js'

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

/** What the codes of OpenSSL and of the resolver say, as the end of a sentence that begins with the host. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'has no address',
  EAI_AGAIN: 'cannot be looked up: the name service does not answer',
  ECONNREFUSED: 'refuses the connection',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  CERT_NOT_YET_VALID: 'has a certificate that is not valid yet',
  CERT_REVOKED: 'has a certificate that was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate of an authority that is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate whose issuer it does not send',
  UNABLE_TO_GET_ISSUER_CERT: 'has a certificate whose issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'has a certificate whose issuer is not known here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate for another name',
  UND_ERR_PRX_TLS: 'cannot be reached: the certificate of the proxy is not for its name',
}

/** What an error of DNS, TCP, TLS or HTTP says about a feed; `host` is for the message. */
export function networkFailure(error: unknown, host: string): Failure {
  if (isFailure(error)) return error
  const { code, words } = told(error)
  return new Failure(code, `${host} ${words}`, { cause: error })
}

function told(error: unknown): { code: FailureCode; words: string } {
  const code = codeOf(error)
  if (LATE.has(code)) return { code: 'FEED_TIMEOUT', words: 'does not answer' }
  if (CUT.has(code)) return { code: 'FEED_CUT', words: `cut the connection: ${wordsOf(error)}` }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return { code: 'FEED_TOO_LARGE', words: 'sends more headers than are read' }
  const known = UNREACHABLE[code]
  if (known !== undefined) return { code: 'FEED_UNREACHABLE', words: `${known} (${code})` }
  const tunnel = /^Proxy response \((\d+)\)/.exec(wordsOf(error))
  if (tunnel !== null) return { code: 'FEED_UNREACHABLE', words: `cannot be reached: the proxy answers HTTP ${tunnel[1]}` }
  if (code.startsWith('HPE_')) return { code: 'FEED_UNREACHABLE', words: `does not speak HTTP: ${wordsOf(error)}` }
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return { code: 'FEED_UNREACHABLE', words: `and feedctl find no common TLS (${code})` }
  }
  return { code: 'FEED_UNREACHABLE', words: `cannot be reached: ${wordsOf(error)}` }
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
