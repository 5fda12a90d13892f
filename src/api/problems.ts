import { STATUS_CODES } from 'node:http'
import { FAILURES, type FailureCode } from '../kernel/errors.js'

export const PROBLEM_TYPE = 'application/problem+json'

/** Why an answer is none: a failure's code, or that feedctl has a bug. */
export type ProblemCode = FailureCode | 'BUG'

/** A part of a request that is not as it must be; `path` as in `query.limit`. */
export interface ProblemPart {
  readonly path: string
  readonly message: string
}

/** The one shape of everything that went wrong, after RFC 9457. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ProblemCode
  readonly hint: string | null
  readonly request_id: string
  readonly errors?: readonly ProblemPart[]
}

/** What a problem is made from; `type`, `title` and `status` are its code's. */
export interface Told {
  readonly code: ProblemCode
  readonly detail: string
  readonly hint?: string | null
  readonly errors?: readonly ProblemPart[]
}

export function statusOf(code: ProblemCode): number {
  return code === 'BUG' ? 500 : FAILURES[code].http
}

export function problemOf({ code, detail, hint = null, errors }: Told, requestId: string): Problem {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return {
    type: `urn:feedctl:problem:${words.replaceAll(' ', '-')}`,
    title: code === 'BUG' ? (STATUS_CODES[500] ?? words) : `${words.charAt(0).toUpperCase()}${words.slice(1)}`,
    status: statusOf(code),
    detail,
    code,
    hint,
    request_id: requestId,
    ...(errors === undefined ? {} : { errors }),
  }
}
