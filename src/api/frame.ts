import cors from '@fastify/cors'
import Fastify, { type FastifyReply, type FastifyRequest, type FastifyServerFactory } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Config } from '../kernel/config.js'
import { Failure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { answerClientError, answerOddities, oddity } from './client-errors.js'
import { gatherDocument, isHidden } from './document.js'
import { failureAnswer } from './failures.js'
import { HSTS, REQUEST_ID, SECURITY_HEADERS } from './headers.js'
import type { ApiServer } from './parts.js'
import { Proxies } from './proxies.js'
import { RouteTable } from './route-table.js'

/** What clients are given time for, ms. */
export interface ApiTimes {
  /** A connection on which nothing happens. */
  readonly idleMs: number
  /** A request's headers. */
  readonly headersMs: number
  /** A whole request. */
  readonly requestMs: number
  /** A connection between two requests: more than a proxy before us keeps its own. */
  readonly keepAliveMs: number
  /** Between two looks at who is late. */
  readonly lookEveryMs: number
}

export const API_TIMES: ApiTimes = {
  idleMs: 120_000,
  headersMs: 15_000,
  requestMs: 30_000,
  keepAliveMs: 72_000,
  lookEveryMs: 2_000,
}

/** What a page of another origin may send, and read. */
const CORS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: ['authorization', 'content-type', 'if-none-match', 'idempotency-key'],
  exposedHeaders: [REQUEST_ID, 'retry-after', 'etag', 'link'],
  maxAge: 7200,
  credentials: false,
  strictPreflight: false,
}

/** A server with everything that all routes share, and no routes. */
export interface Frame {
  readonly server: ApiServer
  readonly proxies: Proxies
  readonly routes: RouteTable
}

/** `serverFactory` sets the times as fastify does, which makes the server where it is null. @throws {Failure} CONFIG_INVALID */
export async function buildFrame(
  config: Config,
  log: Log,
  times: ApiTimes,
  serverFactory: FastifyServerFactory | null = null,
): Promise<Frame> {
  const proxies = new Proxies(config.trustedProxies)
  const routes = new RouteTable()
  const server = Fastify({
    logger: false,
    ...(serverFactory === null ? {} : { serverFactory }),
    bodyLimit: config.apiMaxBodyBytes,
    connectionTimeout: times.idleMs,
    requestTimeout: times.requestMs,
    keepAliveTimeout: times.keepAliveMs,
    http: { headersTimeout: times.headersMs, connectionsCheckingInterval: times.lookEveryMs, requireHostHeader: false },
    trustProxy: proxies.any ? address => proxies.trusts(address) : false,
    genReqId: request => proxies.requestId(request),
    // A connection that outlives the end of listening is served, and ended by its answer.
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => failureAnswer(log)(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>()
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(() => JSON.stringify)
  server.setErrorHandler(failureAnswer(log))
  server.removeContentTypeParser('text/plain')
  answerOddities(server.server)
  dressAnswers(server, proxies)
  await shareWithOrigins(server, config.corsOrigins)
  tellWhatIsNotThere(server, routes)
  await gatherDocument(server)
  return { server, proxies, routes }
}

function dressAnswers(server: ApiServer, proxies: Proxies): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS).header(REQUEST_ID, request.id)
    if (proxies.isSecure(request.raw)) reply.header(HSTS.name, HSTS.value)
    done(oddity(request.raw) ?? undefined)
  })
}

async function shareWithOrigins(server: ApiServer, origins: readonly string[]): Promise<void> {
  if (origins.length > 0) await server.register(cors, { ...CORS, origin: [...origins] })
}

function tellWhatIsNotThere(server: ApiServer, routes: RouteTable): void {
  server.addHook('onRoute', route => {
    for (const method of [route.method].flat()) routes.add({ method, url: route.url, hidden: isHidden(route) })
  })
  // Before its body is read, whatever that is.
  server.addHook('onRequest', (request, reply, done) => done(request.is404 ? refuse(request, reply) : undefined))
  const refuse = (request: FastifyRequest, reply: FastifyReply): Failure => {
    const [path = ''] = request.url.split('?', 1)
    const allowed = routes.allowed(path)
    if (allowed.length === 0) return new Failure('ROUTE_NOT_FOUND', 'there is nothing at this path')
    reply.header('allow', allowed.join(', '))
    return new Failure('METHOD_NOT_ALLOWED', `this path is asked with ${allowed.join(', ')}`)
  }
  // A route itself may say so.
  server.setNotFoundHandler((request, reply) => {
    throw refuse(request, reply)
  })
}
