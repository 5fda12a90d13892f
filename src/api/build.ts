import Fastify from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { openIntake } from '../analytics/intake.js'
import type { App } from '../app.js'
import { Failure } from '../kernel/errors.js'
import { ReadCounts } from '../media/read-counts.js'
import { linkKey } from '../media/serving/link-key.js'
import { LinkSigner } from '../media/serving/links.js'
import { MediaServing } from '../media/serving/serving.js'
import { MediaUrls } from '../media/serving/urls.js'
import { BuiltAnswers } from './answers.js'
import { failureAnswer } from './failures.js'
import { ApiMetrics } from './metrics.js'
import { opsRoutes } from './ops/routes.js'
import type { ApiParts, ApiServer } from './parts.js'
import { LookedUpPrincipals } from './principals.js'
import { analyticsRoutes } from './routes/analytics.js'
import { eventRoutes } from './routes/events.js'
import { feedRoutes } from './routes/feeds.js'
import { mediaRoutes } from './routes/media.js'
import { mediaFileRoutes } from './routes/media-files.js'
import { postRoutes } from './routes/posts.js'
import { standingRoutes } from './routes/standing.js'
import { usageRoutes } from './routes/usage.js'
import { showStatements } from './statement-count.js'

/** How long a connection may be silent, and a request may take to come in. */
const IDLE_MS = 120_000
const REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 72_000

/** The API without a port. */
export interface BuiltApi {
  readonly server: ApiServer
  /** Writes what is still to be written, when the server is closed. */
  close(): Promise<void>
}

export async function buildApi(app: App): Promise<BuiltApi> {
  const { catalog, config, log } = app
  const disks = await app.disks()
  const signer = new LinkSigner(linkKey(config))
  const urls = new MediaUrls(disks, signer, config.wasabiUrl !== null)
  const counts = new ReadCounts(catalog, log)
  const server = framed(app)
  const parts: ApiParts = {
    app,
    principals: new LookedUpPrincipals(catalog),
    answers: new BuiltAnswers(),
    intake: async () => openIntake({ events: await app.events(), config, wake: () => {} }),
    urls,
    metrics: new ApiMetrics(),
  }
  showStatements(parts.metrics.registry, catalog.server)
  standingRoutes(server, parts)
  mediaFileRoutes(server, new MediaServing({ catalog, disks, signer, urls, counts }), log)
  await server.register(async v1 => tenantRoutes(v1 as ApiServer, parts))
  await opsRoutes(server, parts)
  const close = async () => {
    await Promise.all([parts.principals.close(), parts.answers.close()])
    await counts.close()
  }
  return { server, close }
}

function framed({ config, log }: App): ApiServer {
  const server = Fastify({
    logger: false,
    bodyLimit: config.apiMaxBodyBytes,
    connectionTimeout: IDLE_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    frameworkErrors: (error, request, reply) => failureAnswer(log)(error, request, reply),
  }).withTypeProvider<ZodTypeProvider>()
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.setErrorHandler(failureAnswer(log))
  server.setNotFoundHandler(() => {
    throw new Failure('ROUTE_NOT_FOUND', 'there is nothing at this path')
  })
  return server
}

/** What a tenant's token opens. */
function tenantRoutes(v1: ApiServer, parts: ApiParts): void {
  v1.decorateRequest('tenant')
  v1.addHook('onRequest', async request => {
    request.tenant = await parts.principals.authorize(request)
  })
  postRoutes(v1, parts)
  feedRoutes(v1, parts)
  usageRoutes(v1, parts)
  mediaRoutes(v1, parts)
  eventRoutes(v1, parts)
  analyticsRoutes(v1, parts)
}
