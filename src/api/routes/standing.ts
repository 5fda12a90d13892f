import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Failure } from '../../kernel/errors.js'
import { sendProblem } from '../failures.js'
import type { MetricsPage } from '../metrics.js'
import type { ApiServer } from '../parts.js'
import type { Proxies } from '../proxies.js'
import type { Readiness } from '../readiness.js'
import { failing, TAGS, UNCHANGED } from '../schemas.js'

const ALIVE = z.object({ status: z.literal('ok') })
const READY = z.object({
  status: z
    .enum(['ready', 'degraded'])
    .meta({ description: 'degraded: Redis is away; answers come from the database, or are older ones.' }),
  catalog: z.literal('ok'),
  redis: z.enum(['ok', 'down']).nullable().meta({ description: 'null where no setting needs it.' }),
})
const RETRY_AFTER_S = 2

/** What the routes about the process are made from. */
export interface StandingParts {
  readonly proxies: Proxies
  readonly readiness: () => Promise<Readiness>
  /** Whether it takes no new work any more. */
  readonly isDraining: () => boolean
  /** What Prometheus reads: of all the processes that serve together. */
  readonly metricsPage: () => Promise<MetricsPage>
}

/** `/healthz`, `/readyz`, `/metrics`, `/openapi.json`. */
export function standingRoutes(server: ApiServer, parts: StandingParts): void {
  healthRoutes(server, parts)
  metricsRoute(server, parts)
  documentRoute(server)
}

function healthRoutes(server: ApiServer, { readiness, isDraining }: StandingParts): void {
  server.get(
    '/healthz',
    { schema: { tags: [TAGS.standing], summary: 'Whether the process lives', response: { 200: ALIVE } } },
    async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  )
  server.get(
    '/readyz',
    {
      schema: {
        tags: [TAGS.standing],
        summary: 'Whether requests can be answered: the parts, looked at once a second at most',
        response: { 200: READY, ...failing('UNAVAILABLE') },
      },
    },
    async (request, reply) => {
      const draining = isDraining()
      const { catalog, redis } = draining ? { catalog: null, redis: null } : await readiness()
      if (catalog !== 'ok') {
        const fault = draining ? { path: 'process', message: 'is draining' } : { path: 'catalog', message: 'does not answer' }
        reply.header('retry-after', String(RETRY_AFTER_S))
        sendProblem(reply, { code: 'UNAVAILABLE', detail: `the ${fault.path} ${fault.message}`, errors: [fault] }, request.id)
        return reply
      }
      return reply.header('cache-control', 'no-store').send({ status: redis === 'down' ? 'degraded' : 'ready', catalog, redis })
    },
  )
}

function metricsRoute(server: ApiServer, { proxies, metricsPage }: StandingParts): void {
  server.get(
    '/metrics',
    {
      schema: {
        tags: [TAGS.standing],
        summary: 'Figures for Prometheus; only from this machine, or from a trusted address on its own behalf',
        response: {
          200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } },
          ...failing('ROUTE_NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      if (!proxies.isFromWithin(request.raw)) throw new Failure('ROUTE_NOT_FOUND', 'there is nothing at this path')
      const { type, text } = await metricsPage()
      return reply.header('cache-control', 'no-store').type(type).send(text)
    },
  )
}

function documentRoute(server: ApiServer): void {
  let kept: { readonly body: Buffer; readonly etag: string } | null = null
  server.get(
    '/openapi.json',
    {
      schema: {
        tags: [TAGS.standing],
        summary: 'This document',
        response: {
          200: z.looseObject({ openapi: z.string() }),
          ...UNCHANGED,
        },
      },
    },
    async (request, reply) => {
      kept ??= documentOf(server)
      reply.header('etag', kept.etag).header('cache-control', 'public, max-age=300')
      if (request.headers['if-none-match'] === kept.etag) return reply.status(304).send(null)
      return reply.type('application/json; charset=utf-8').send(kept.body as never)
    },
  )
}

function documentOf(server: ApiServer): { body: Buffer; etag: string } {
  const body = Buffer.from(JSON.stringify(server.swagger()))
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}
