import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { FAILURES, Failure, type FailureCode, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { isHeldOff } from '../tenants/admission.js'
import { REQUEST_ID, SECURITY_HEADERS } from './headers.js'
import { RateRefusal } from './limits.js'
import { PROBLEM_TYPE, type ProblemPart, problemOf, statusOf, type Told } from './problems.js'

/** Whoever was refused for a while without word of when may try again. */
const RETRY_AFTER_S = 5

/** What fastify refuses before a route is asked, in our words. */
const FROM_FASTIFY: Readonly<Record<string, readonly [FailureCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['BODY_TYPE', 'the body is of a type that is not read here'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'the body is larger than is taken here'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['BODY_INVALID', 'the body is not as long as content-length says'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BODY_INVALID', 'there is no body'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['BODY_INVALID', 'the body is no JSON'],
  FST_ERR_BAD_URL: ['USAGE', 'the path is not encoded as paths are'],
  FST_ERR_MAX_PARAM_LENGTH: ['USAGE', 'a part of the path is too long'],
}

/**
 * Answers with a problem and the failure's HTTP status. What is the installation's own trouble (5xx) is told in a few words, and whole in the log:
 * it may name hosts and paths.
 */
export function failureAnswer(log: Log): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    const told = toldOf(error)
    const status = statusOf(told.code)
    // Who has gone made it fail; and a move is no trouble.
    if (status >= 500 && !reply.raw.destroyed && !isHeldOff(error)) logTrouble(log, request, error)
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    if (error instanceof RateRefusal) reply.headers(error.headers)
    const waitS = retryAfterS(error, status)
    if (waitS !== null && !reply.hasHeader('retry-after')) reply.header('retry-after', String(waitS))
    sendProblem(reply, told, request.id)
  }
}

/** What of a reply a problem needs, whatever its route sends otherwise. */
interface ProblemReply {
  readonly raw: FastifyReply['raw']
  header(name: string, value: string): unknown
  headers(values: Readonly<Record<string, string>>): unknown
  send(body: never): unknown
}

/** Answers with the problem, as it is told. */
export function sendProblem(reply: ProblemReply, told: Told, requestId: string): void {
  // Some are refused before any hook.
  reply.headers(SECURITY_HEADERS)
  reply.headers({ [REQUEST_ID]: requestId, 'cache-control': 'no-store', 'content-type': PROBLEM_TYPE })
  reply.raw.statusCode = statusOf(told.code)
  reply.send(JSON.stringify(problemOf(told, requestId)) as never)
}

function toldOf(error: unknown): Told {
  if (error instanceof Failure) {
    const { http, retry } = FAILURES[error.code]
    if (http < 500) return { code: error.code, detail: error.message, hint: error.hint }
    return { code: error.code, detail: retry ? 'not now: try again later' : 'the service has a fault' }
  }
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error)
  const known = error instanceof Error && 'code' in error ? FROM_FASTIFY[String(error.code)] : undefined
  if (known !== undefined) return { code: known[0], detail: known[1] }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null
  if (typeof status === 'number' && status >= 400 && status < 500) return { code: 'USAGE', detail: wordsOf(error) }
  return { code: 'BUG', detail: 'a bug in feedctl' }
}

const PLACES: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' }

function invalid(error: {
  readonly validation: readonly {
    readonly instancePath: string
    readonly message?: string | undefined
    readonly params?: unknown
  }[]
  readonly validationContext?: string | undefined
}): Told {
  const context = error.validationContext ?? ''
  const place = PLACES[context] ?? context
  const errors: ProblemPart[] = error.validation.map(({ instancePath, message = 'is not as it must be' }) => ({
    path: [place, ...instancePath.split('/').filter(part => part !== '')].join('.'),
    message,
  }))
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return { code: context === 'body' ? 'BODY_INVALID' : 'USAGE', detail, errors }
}

/** Null where waiting does not help, or where it does and the status does not say so. */
function retryAfterS(error: unknown, status: number): number | null {
  const asked = error instanceof Failure ? error.retryAfterS : null
  return asked ?? (status === 503 || status === 429 ? RETRY_AFTER_S : null)
}

/** Without the query: it may hold a signature. */
export function logTrouble(log: Log, request: FastifyRequest, error: unknown): void {
  const [path = ''] = request.url.split('?', 1)
  const isBug = error instanceof Error && !(error instanceof Failure)
  const why = isBug ? (error.stack ?? error.message) : wordsOf(error)
  log.error('api: a request failed', { request: request.id, method: request.method, path, why })
}
