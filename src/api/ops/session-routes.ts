import type { FastifyReply, FastifyRequest } from 'fastify'
import { Failure } from '../../kernel/errors.js'
import type { ApiServer } from '../parts.js'
import { formTokenOf, type Logins } from '../sessions/logins.js'
import { MOST_BYTES } from '../sessions/password.js'
import {
  clearSessionCookie,
  deviceMarkOf,
  isJson,
  plainTextFault,
  refuseForeign,
  refuseForged,
  sessionIdOf,
  setDeviceCookie,
  setSessionCookie,
} from '../sessions/safe-requests.js'

const SMALL = { schema: { hide: true }, bodyLimit: 8 * 1024 } as const

/** Logging in and out, by form or by JSON. */
export function sessionRoutes(ops: ApiServer, logins: Logins): void {
  ops.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))))
  })
  ops.post('/ops/login', SMALL, (request, reply) => login(logins, request, reply))
  ops.post('/ops/logout', SMALL, async (request, reply) => {
    const id = await leavingSession(logins, request)
    if (id !== null) await logins.end(id)
    return left(request, reply)
  })
  ops.post('/ops/logout-everywhere', SMALL, async (request, reply) => {
    const id = await leavingSession(logins, request)
    if (id !== null) await logins.endAll()
    return left(request, reply)
  })
}

async function login(logins: Logins, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  refuseForeign(request)
  const fault = plainTextFault(request)
  if (fault !== null) throw new Failure('FORM_INVALID', fault)
  const password = fieldOf(request.body, 'password')
  if (typeof password !== 'string' || password === '' || Buffer.byteLength(password) > MOST_BYTES) {
    throw new Failure('LOGIN_REFUSED', 'the request holds no password')
  }
  const session = await logins.login({ address: request.ip, mark: deviceMarkOf(request) }, password)
  const before = sessionIdOf(request)
  if (before !== undefined) await logins.end(before)
  setSessionCookie(request, reply, session)
  setDeviceCookie(request, reply, session.device)
  if (!isJson(request)) return reply.redirect('/ops', 303)
  return reply.send({ ends_at: new Date(session.endsAt).toISOString(), token: formTokenOf(session) })
}

/** The id of the session that is to end; null when there is none any more, which is as good. @throws {Failure} FORM_INVALID, UNAVAILABLE */
async function leavingSession(logins: Logins, request: FastifyRequest): Promise<string | null> {
  refuseForeign(request)
  const session = await logins.find(sessionIdOf(request))
  if (session === null) return null
  refuseForged(fieldOf(request.body, 'token'), session)
  return session.id
}

function left(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  clearSessionCookie(request, reply)
  return isJson(request) ? reply.status(204).send() : reply.redirect('/ops', 303)
}

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined
}
