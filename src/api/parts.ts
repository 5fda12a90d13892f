import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { EventIntake } from '../analytics/intake.js'
import type { App } from '../app.js'
import type { MediaUrls } from '../media/serving/urls.js'
import type { TenantId } from '../tenants/ids.js'
import type { Tenant } from '../tenants/tenant.js'
import type { ApiMetrics } from './metrics.js'
import type { TenantReads } from './reads.js'

/** Routes read their schemas, in zod, as types. */
export type ApiServer = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>

/** Ready answers, kept per tenant and URL until something of the tenant changes. */
export interface Answers {
  /**
   * Answers the GET with the JSON that `build` gives, from what is kept where nothing changed since. `build` must depend on nothing but the tenant and the URL.
   * While the database is away, what was kept is sent however old it is. @throws whatever `build` throws when there is nothing to send instead
   */
  send(request: FastifyRequest, reply: FastifyReply, build: () => Promise<unknown>): Promise<FastifyReply>
  /** Nothing that is kept of the tenant counts any more, in this process at once: it was changed by a request here. */
  forget(tenantId: Tenant['id']): void
  close(): Promise<void>
}

/** Who bears a token. */
export interface Principals {
  /** The active tenant whose token the Authorization header bears. @throws {Failure} TOKEN_INVALID, TENANT_WRONG_STATE, RATE_LIMITED, UNAVAILABLE */
  authorize(request: FastifyRequest): Promise<Tenant>
  /** What is known of where the tenant lives is not true any more: the catalog is asked with its next request. */
  noteMoved(tenant: TenantId): void
  close(): Promise<void>
}

/** What the routes are made from. */
export interface ApiParts {
  readonly app: App
  readonly principals: Principals
  readonly answers: Answers
  /** Of what a tenant's GET shows of its rows. */
  readonly reads: TenantReads
  readonly intake: () => Promise<EventIntake>
  readonly urls: MediaUrls
  readonly metrics: ApiMetrics
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token the request bears; on `/v1` routes only, and there before the route's own code. */
    tenant: Tenant
  }
}
