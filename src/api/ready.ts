import type { App } from '../app.js'
import { steady } from '../kernel/clock.js'
import { Replicas } from '../tenants/hosts/replicas.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { KeptAnswers } from './answers/answers.js'
import { FAR_TIMES, FarAnswers } from './answers/far.js'
import { NearAnswers } from './answers/near.js'
import { AnswerTally } from './answers/tally.js'
import { ContentWatch } from './answers/watch.js'
import { KnownTenants } from './known.js'
import { Lane } from './lane.js'
import { RateLimits } from './limits.js'
import type { ApiMetrics } from './metrics.js'
import type { Answers, Principals } from './parts.js'
import { KnownPrincipals } from './principals.js'
import { Proxies } from './proxies.js'
import { TenantReads } from './reads.js'
import { showReads } from './reads-metrics.js'

/** What answers without asking anybody, and the parts that fill it. */
export interface Ready {
  readonly principals: Principals
  readonly answers: Answers
  readonly lane: Lane
  readonly reads: TenantReads
  /** Null where there are none. */
  readonly replicas: Replicas | null
}

/** Closed by closing `principals`, `answers` and `replicas`. */
export async function openReady(app: App, metrics: ApiMetrics, times = FAR_TIMES): Promise<Ready> {
  const { config, catalog, log } = app
  const { far, gates, permits } = await app.shared()
  const ttlMs = config.apiCacheTtlS * 1000
  const keeps = config.apiCacheBytes > 0
  const limits = new RateLimits(permits, config.apiRate)
  const near = new NearAnswers(config.apiCacheBytes)
  const known = new KnownTenants(
    id => limits.allowanceOf(id),
    gone => near.clear(gone),
  )
  const tally = new AnswerTally(near)
  metrics.countAnswers(tally)
  const farAnswers =
    far === null
      ? null
      : new FarAnswers(far, gates, { ttlS: config.apiCacheTtlS, bytes: config.apiCacheBytes }, log, steady, times)
  const watch = new ContentWatch(catalog, known, log)
  const replicas = catalog.server.dialect === 'mysql' ? new Replicas(catalog, config, log) : null
  if (replicas === null && config.dbReadHost !== null) log.warn('DB_READ_HOST is not used: SQLite has no replicas')
  const reads = new TenantReads({ catalog, replicas, known, watch })
  showReads(metrics.registry, reads, replicas)
  const look = (tenant: Tenant) => withTenant(catalog, tenant, tables => tables.counters().select('next').limit(1).execute())
  return {
    reads,
    replicas,
    principals: new KnownPrincipals(catalog, known, { ttlMs }),
    answers: new KeptAnswers({ known, near, far: farAnswers, tally, ttlMs, keeps, watch, look }),
    lane: new Lane({ known, tally, proxies: new Proxies(config.trustedProxies), shares: config.corsOrigins.length > 0, ttlMs }),
  }
}
