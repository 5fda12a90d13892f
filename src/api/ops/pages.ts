import type { FastifyReply, FastifyRequest } from 'fastify'
import { FAILURES, type Failure } from '../../kernel/errors.js'
import { isJson, plainTextFault } from '../sessions/safe-requests.js'
import type { Assets, PageName } from './assets.js'

/** Whether a person waits for the answer, not a script. */
export function wantsPage(request: FastifyRequest): boolean {
  return !isJson(request) && /\btext\/html\b/.test(request.headers.accept ?? '')
}

export function sendPage(
  reply: FastifyReply,
  assets: Assets,
  name: PageName,
  texts: Readonly<Record<string, string>> = {},
): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(assets.page(name, texts))
}

/** The form, or why nobody can log in over this connection. */
export function sendLogin(request: FastifyRequest, reply: FastifyReply, assets: Assets, message = ''): FastifyReply {
  const fault = plainTextFault(request)
  if (fault !== null)
    return sendPage(reply.status(403), assets, 'notice.html', { title: 'Not over this connection', message: fault })
  return sendPage(reply, assets, 'login.html', { message })
}

/** A refusal as a page; the log has what is not for it. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, assets: Assets, failure: Failure): FastifyReply {
  const status = FAILURES[failure.code].http
  reply.status(status)
  if (failure.code === 'LOGIN_LOCKED') {
    const waitS = failure.retryAfterS ?? 60
    reply.header('retry-after', waitS)
    return sendLogin(request, reply, assets, `Too many logins failed. Try again in ${waitWords(waitS)}.`)
  }
  if (failure.code === 'LOGIN_REFUSED') return sendLogin(request, reply, assets, 'This is not the password.')
  if (status === 503) {
    const message =
      'The dashboard keeps its sessions in Redis, and Redis does not answer. Nobody can log in or look until it does. The rest of the API goes on without it.'
    return sendPage(reply, assets, 'notice.html', { title: 'Not now', message })
  }
  if (status >= 500)
    return sendPage(reply, assets, 'notice.html', { title: 'That went wrong', message: 'The log of the server says why.' })
  return sendPage(reply, assets, 'notice.html', { title: 'Refused', message: `${failure.message}.` })
}

function waitWords(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`
  return `${Math.ceil(seconds / 60)} minutes`
}
