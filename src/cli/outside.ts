import { getSystemErrorMap } from 'node:util'
import { Failure, type FailureCode } from '../kernel/errors.js'

/** Errors of the operating system that are nobody's bug. */
const CODES: Readonly<Record<string, FailureCode>> = {
  ENOENT: 'FILE_UNREADABLE',
  EACCES: 'FILE_UNREADABLE',
  EPERM: 'FILE_UNREADABLE',
  EISDIR: 'FILE_UNREADABLE',
  ENOTDIR: 'FILE_UNREADABLE',
  EEXIST: 'FILE_UNREADABLE',
  EROFS: 'FILE_UNREADABLE',
  ELOOP: 'FILE_UNREADABLE',
  ENAMETOOLONG: 'FILE_UNREADABLE',
  ENOSPC: 'UNAVAILABLE',
  EDQUOT: 'UNAVAILABLE',
  EIO: 'UNAVAILABLE',
  EMFILE: 'UNAVAILABLE',
  ENFILE: 'UNAVAILABLE',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNRESET: 'UNAVAILABLE',
  ECONNABORTED: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  ETIMEDOUT: 'UNAVAILABLE',
  EHOSTUNREACH: 'UNAVAILABLE',
  ENETUNREACH: 'UNAVAILABLE',
  EADDRINUSE: 'UNAVAILABLE',
  EADDRNOTAVAIL: 'UNAVAILABLE',
  ENOTFOUND: 'UNAVAILABLE',
  EAI_AGAIN: 'UNAVAILABLE',
}

const MAX_CAUSES = 5

/** The failure behind an error of Node's own, or behind one of its causes; null when it is no error of the outside world. */
export function fromOutside(error: unknown): Failure | null {
  let current = error
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    if (isSystemError(current)) {
      const code = CODES[current.code]
      if (code !== undefined) return new Failure(code, describe(current), { cause: error })
    }
    current = current instanceof AggregateError ? current.errors[0] : current.cause
  }
  return null
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly errno?: number | string
  readonly path?: string
  readonly address?: string
  readonly hostname?: string
  readonly port?: number
}

function isSystemError(error: Error): error is SystemError {
  return 'code' in error && typeof error.code === 'string' && 'syscall' in error && typeof error.syscall === 'string'
}

/** `cannot open /data/x: permission denied`, `cannot connect to 127.0.0.1:3306: connection refused`. */
function describe(error: SystemError): string {
  const words = typeof error.errno === 'number' ? getSystemErrorMap().get(error.errno)?.[1] : undefined
  const host = error.address ?? error.hostname
  const place = error.path ?? (host === undefined ? null : error.port === undefined ? host : `${host}:${error.port}`)
  const deed = host !== undefined && error.syscall === 'connect' ? 'connect to' : error.syscall
  return place === null ? error.message : `cannot ${deed} ${place}: ${words ?? error.code}`
}
