import type { FastifyReply, FastifyRequest } from 'fastify'
import { FAILURES, Failure, type FailureCode, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { RateRefusal } from './limits.js'

/** How a refusal is told to a client: the status, and what the body says. */
interface Refusal {
  readonly status: number
  readonly code: FailureCode | 'BUG'
  readonly message: string
  readonly hint: string | null
}

const NO_STORE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/**
 * Answers with `{"error":{"code","message","hint"}}` and the failure's HTTP status. What is the installation's own trouble (5xx) is told in a few words, and
 * whole in the log: it may name hosts and paths.
 */
export function failureAnswer(log: Log): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const { status, ...told } = refusalOf(error)
    // Who has gone made it fail.
    if (status >= 500 && !reply.raw.destroyed) logTrouble(log, request, error)
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    if (error instanceof RateRefusal) reply.headers(error.headers)
    if (status === 503) reply.header('retry-after', '5')
    reply.status(status).headers(NO_STORE).send({ error: told })
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Failure) {
    const { http, retry } = FAILURES[error.code]
    if (http < 500) return { status: http, ...error.toJSON() }
    return { status: http, code: error.code, message: retry ? 'not now: try again later' : 'the service has a fault', hint: null }
  }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { status, code: 'USAGE', message: wordsOf(error), hint: null }
  return { status: 500, code: 'BUG', message: 'a bug in feedctl', hint: null }
}

/** Without the query: it may hold a signature. */
export function logTrouble(log: Log, request: FastifyRequest, error: unknown): void {
  const [path = ''] = request.url.split('?', 1)
  const isBug = error instanceof Error && !(error instanceof Failure)
  const why = isBug ? (error.stack ?? error.message) : wordsOf(error)
  log.error('api: a request failed', { method: request.method, path, why })
}
