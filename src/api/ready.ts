import type { App } from '../app.js'
import { steady } from '../kernel/clock.js'
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

/** What answers without asking anybody, and the parts that fill it. */
export interface Ready {
  readonly principals: Principals
  readonly answers: Answers
  readonly lane: Lane
}

/** Closed by closing `principals` and `answers`. */
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
  const look = (tenant: Tenant) => withTenant(catalog, tenant, tables => tables.counters().select('next').limit(1).execute())
  return {
    principals: new KnownPrincipals(catalog, known, { ttlMs }),
    answers: new KeptAnswers({ known, near, far: farAnswers, tally, ttlMs, keeps, watch, look }),
    lane: new Lane({ known, tally, proxies: new Proxies(config.trustedProxies), shares: config.corsOrigins.length > 0, ttlMs }),
  }
}
