import { timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type {} from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Failure } from '../../kernel/errors.js'
import type { Device } from './devices.js'
import { formTokenOf, type OpenSession } from './logins.js'

/** Browsers take a `__Host-` cookie from the host itself over https only, whatever its other names and neighbours send. */
const OVER_TLS = '__Host-feedctl'
/** On http://127.0.0.1 not every browser takes such a one; and what listens on other ports there gets the same cookies. */
const ON_LOOPBACK = 'feedctl'
const HTTP_PORT = 80

const LEFT_BY_PROXIES = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'via'] as const

/** Why nobody can log in over this connection; null when one can. */
export function plainTextFault(request: FastifyRequest): string | null {
  if (request.protocol === 'https') return null
  if (LEFT_BY_PROXIES.some(name => request.headers[name] !== undefined)) {
    return 'a proxy sent this request, and did not say that it came over https: let it set X-Forwarded-Proto, and name its address in FEEDCTL_TRUSTED_PROXIES'
  }
  return isLoopback(request.hostname)
    ? null
    : 'over plain http the password could be read on its way: use https, or a tunnel to 127.0.0.1'
}

export function sessionIdOf(request: FastifyRequest): string | undefined {
  return request.cookies[cookieName(request)]
}

export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, { id, endsAt }: OpenSession): void {
  reply.setCookie(cookieName(request), id, { ...attributes(request), expires: new Date(endsAt) })
}

/** The mark by which a browser is known in which somebody has logged in. */
export function deviceMarkOf(request: FastifyRequest): string | undefined {
  return request.cookies[deviceCookieName(request)]
}

export function setDeviceCookie(request: FastifyRequest, reply: FastifyReply, { mark, endsAt }: Device): void {
  reply.setCookie(deviceCookieName(request), mark, { ...attributes(request), expires: new Date(endsAt) })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(cookieName(request), attributes(request))
}

/** Refuses a POST that a page of somebody else may have sent. @throws {Failure} FORM_INVALID */
export function refuseForeign(request: FastifyRequest): void {
  const { origin, 'sec-fetch-site': site } = request.headers
  const isOwn = (site === undefined || site === 'same-origin') && (origin === undefined || origin === ownOrigin(request))
  // Of another origin's page a browser sends JSON only when it was asked and allowed: this is no browser, or it is our page.
  const isKnown = site !== undefined || origin !== undefined || isJson(request)
  if (!isOwn || !isKnown) throw new Failure('FORM_INVALID', 'the request does not come from a page of this dashboard')
}

/** Refuses a POST that does not hold the token of its session. @throws {Failure} FORM_INVALID */
export function refuseForged(token: unknown, session: OpenSession): void {
  const expected = Buffer.from(formTokenOf(session))
  const given = Buffer.from(typeof token === 'string' ? token : '')
  if (given.length === expected.length && timingSafeEqual(given, expected)) return
  throw new Failure('FORM_INVALID', 'the form is not of this session: load the page again')
}

export function isJson(request: FastifyRequest): boolean {
  return /^application\/json\b/i.test(request.headers['content-type'] ?? '')
}

function ownOrigin(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`
}

function cookieName(request: FastifyRequest): string {
  return request.protocol === 'https' ? OVER_TLS : `${ON_LOOPBACK}-${request.port ?? HTTP_PORT}`
}

function deviceCookieName(request: FastifyRequest): string {
  return `${cookieName(request)}-device`
}

function attributes(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' } as const
}

/** As a browser names the host; any other name may lead elsewhere. */
function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
