import type { App } from '../app.js'
import { isFailure } from '../kernel/errors.js'
import { ReadCounts } from '../media/read-counts.js'
import { linkKey } from '../media/serving/link-key.js'
import { LinkSigner } from '../media/serving/links.js'
import { MediaServing } from '../media/serving/serving.js'
import { MediaUrls } from '../media/serving/urls.js'
import { showBacklog } from './backlog-gauges.js'
import { ServedIntake } from './event-intake.js'
import { API_TIMES, type ApiTimes, buildFrame } from './frame.js'
import { PRIVATE } from './headers.js'
import { ApiMetrics, type MetricsJson, type MetricsPage } from './metrics.js'
import { opsRoutes } from './ops/routes.js'
import type { ApiParts, ApiServer } from './parts.js'
import { ReadinessLook } from './readiness.js'
import type { TenantReads } from './reads.js'
import { openReady } from './ready.js'
import type { RegisteredRoute } from './route-table.js'
import { analyticsRoutes } from './routes/analytics.js'
import { eventRoutes } from './routes/events.js'
import { feedRoutes } from './routes/feeds.js'
import { mediaRoutes } from './routes/media.js'
import { mediaFileRoutes } from './routes/media-files.js'
import { postRoutes } from './routes/posts.js'
import { standingRoutes } from './routes/standing.js'
import { usageRoutes } from './routes/usage.js'
import { showStatements } from './statement-count.js'

/** The API without a port. */
export interface BuiltApi {
  readonly server: ApiServer
  readonly routes: readonly RegisteredRoute[]
  readonly metrics: ApiMetrics
  readonly reads: TenantReads
  /** Writes what is still to be written, when the server is closed. */
  close(): Promise<void>
}

/** What an API is told by what runs it. */
export interface ApiSurroundings {
  readonly connections?: () => number
  readonly isDraining?: () => boolean
  /** Where there are other processes, the page of them all. */
  readonly metricsPage?: () => Promise<MetricsPage>
  /** And what they have counted together: `ApiMetrics.counted` of all. */
  readonly counted?: () => Promise<MetricsJson>
  readonly times?: Partial<ApiTimes>
}

export async function buildApi(app: App, around: ApiSurroundings = {}): Promise<BuiltApi> {
  const { catalog, config, log } = app
  const disks = await app.disks()
  const signer = new LinkSigner(linkKey(config))
  const urls = new MediaUrls(disks, signer, config.wasabiUrl !== null)
  const counts = new ReadCounts(catalog, log)
  const metrics = new ApiMetrics(around.connections)
  const { lane, replicas, ...ready } = await openReady(app, metrics)
  const times = { ...API_TIMES, ...around.times }
  const { server, proxies, routes } = await buildFrame(config, log, times, lane.serverFactory)
  const intake = new ServedIntake(app)
  const parts: ApiParts = {
    app,
    ...ready,
    intake: () => intake.open(),
    urls,
    metrics,
  }
  showStatements(metrics.registry, catalog.hosts)
  showBacklog(metrics.registry, () => app.events())
  const readiness = new ReadinessLook(app)
  standingRoutes(server, {
    proxies,
    readiness: () => readiness.look(),
    isDraining: around.isDraining ?? (() => false),
    metricsPage: around.metricsPage ?? (() => metrics.page()),
  })
  mediaFileRoutes(server, new MediaServing({ catalog, disks, signer, urls, counts }), log)
  await server.register(async v1 => tenantRoutes(v1 as ApiServer, parts))
  await opsRoutes(server, parts, around.counted ?? (() => metrics.counted()))
  intake.begin()
  const close = async () => {
    await intake.close()
    await Promise.all([parts.principals.close(), parts.answers.close(), replicas?.close()])
    metrics.close()
    await counts.close()
  }
  return { server, routes: routes.routes, metrics, reads: parts.reads, close }
}

/** What a tenant's token opens. */
function tenantRoutes(v1: ApiServer, parts: ApiParts): void {
  v1.decorateRequest('tenant')
  v1.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', PRIVATE)
    request.tenant = await parts.principals.authorize(request)
  })
  v1.addHook('onError', async (request, _reply, error) => {
    if (isFailure(error, 'TENANT_MOVED')) parts.principals.noteMoved(request.tenant.id)
  })
  v1.addHook('onResponse', async (request, reply) => {
    parts.metrics.seconds.observe({ route: request.routeOptions.url ?? '' }, reply.elapsedTime / 1000)
  })
  postRoutes(v1, parts)
  feedRoutes(v1, parts)
  usageRoutes(v1, parts)
  mediaRoutes(v1, parts)
  eventRoutes(v1, parts)
  analyticsRoutes(v1, parts)
}
