import { createRequire } from 'node:module'
import cookie from '@fastify/cookie'
import type {} from '@fastify/swagger'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Failure, isFailure } from '../../kernel/errors.js'
import { logTrouble } from '../failures.js'
import type { MetricsJson } from '../metrics.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { formTokenOf, Logins, type OpenSession } from '../sessions/logins.js'
import { openSessions } from '../sessions/open.js'
import { sessionIdOf } from '../sessions/safe-requests.js'
import { Assets } from './assets.js'
import { documentOf } from './document.js'
import { PAGE_HEADERS } from './headers.js'
import { LiveFeed, type Telling } from './live.js'
import { sendLogin, sendPage, sendRefusal, wantsPage } from './pages.js'
import { sessionRoutes } from './session-routes.js'
import { type Standing, StandingReader } from './standing.js'

/** Of no use to who reads the API's description. */
export const HIDDEN = { schema: { hide: true } } as const

/** `/ops`: the operations dashboard, where a password for it is set. */
export async function opsRoutes(server: ApiServer, parts: ApiParts, counted: () => Promise<MetricsJson>): Promise<void> {
  const { config, log } = parts.app
  const hash = config.opsPasswordHash
  if (hash === null) return
  const logins = new Logins(await openSessions(config, log), { hash, lastsMs: config.sessionTtlS * 1000 }, log)
  const assets = new Assets()
  await server.register(async ops => {
    await ops.register(cookie)
    ops.addHook('onRequest', async (_request, reply) => void reply.headers(PAGE_HEADERS))
    ops.setErrorHandler((error, request, reply) => {
      if (!isFailure(error) || !wantsPage(request)) throw error
      if (error.code === 'UNAVAILABLE') logTrouble(log, request, error)
      return sendRefusal(request, reply, assets, error)
    })
    pageRoutes(ops as ApiServer, logins, assets)
    sessionRoutes(ops as ApiServer, logins)
    standingRoutes(ops as ApiServer, parts, { logins, counted })
  })
  server.addHook('onClose', () => logins.close())
}

function pageRoutes(ops: ApiServer, logins: Logins, assets: Assets): void {
  ops.get('/ops/', HIDDEN, (_request, reply) => reply.redirect('/ops', 308))
  ops.get('/ops', HIDDEN, async (request, reply) => {
    const session = await logins.find(sessionIdOf(request))
    if (session !== null) return sendPage(reply, assets, 'dashboard.html', { token: formTokenOf(session) })
    // A strict cookie does not come with a click on somebody else's page: the same page asks once more, and then it does.
    if (request.headers['sec-fetch-site'] === 'cross-site') return sendPage(reply, assets, 'again.html')
    return sendLogin(request, reply, assets)
  })
  ops.get<{ Params: { version: string; name: string } }>('/ops/assets/:version/:name', HIDDEN, (request, reply) => {
    const { version, name } = request.params
    const asset = assets.find(name)
    if (asset === null) throw new Failure('ROUTE_NOT_FOUND', 'there is nothing at this path')
    // Beside a process of another version a page may ask for the files of that one: these will do, once.
    if (version === assets.version) reply.header('cache-control', 'public, max-age=31536000, immutable')
    reply.header('vary', 'accept-encoding').type(asset.type)
    if (!/\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''))) return reply.send(asset.bytes)
    return reply.header('content-encoding', 'br').send(asset.brotli)
  })
}

interface StandingSources {
  readonly logins: Logins
  /** What all processes of this serve have counted together. */
  readonly counted: () => Promise<MetricsJson>
}

function standingRoutes(ops: ApiServer, { app }: ApiParts, { logins, counted }: StandingSources): void {
  const reader = new StandingReader(app, counted)
  const { version } = createRequire(import.meta.url)('#package') as { version: string }
  const installation = { config: app.config, version, startedAt: Date.now() - process.uptime() * 1000 }
  let newest: { readonly of: Standing; readonly telling: Telling } | null = null
  const read = async (): Promise<Telling> => {
    const standing = await reader.read()
    if (newest?.of !== standing) newest = { of: standing, telling: { json: JSON.stringify(documentOf(standing, installation)) } }
    return newest.telling
  }
  const live = new LiveFeed(read, app.log)
  ops.addHook('preClose', async () => live.close())
  ops.get('/ops/overview.json', HIDDEN, async (request, reply) => {
    await sessionOf(logins, request)
    return reply.type('application/json; charset=utf-8').send((await read()).json)
  })
  ops.get('/ops/events', HIDDEN, async (request, reply) => {
    const { id } = await sessionOf(logins, request)
    live.refuseWhenFull()
    join(live, reply, async () => (await logins.find(id)) !== null)
  })
}

function join(live: LiveFeed, reply: FastifyReply, isWelcome: () => Promise<boolean>): void {
  reply.hijack()
  live.join(reply.raw, PAGE_HEADERS, isWelcome)
}

/** @throws {Failure} SESSION_INVALID, UNAVAILABLE */
async function sessionOf(logins: Logins, request: FastifyRequest): Promise<OpenSession> {
  const session = await logins.find(sessionIdOf(request))
  if (session === null) throw new Failure('SESSION_INVALID', 'nobody is logged in', { hint: 'log in at /ops' })
  return session
}
