import { type Scaling, scalingRow } from '../api/scaling.js'
import { judge, least, type Promised, type Row } from '../judging.js'
import { type Attempt, looksOf } from './attempt.js'
import { capacityRows } from './capacity-rows.js'
import { CLAIMS, type ClaimName } from './claims.js'
import { type GuideLoad, SLOW, TARGETS } from './load.js'
import type { GuideRound } from './round.js'

/** What is claimed of the phases first, then what is claimed besides; without rows for what was not asked for. */
export function rowsOf(load: GuideLoad, rounds: readonly GuideRound[]): Row[] {
  return [
    ...capacityRows(load, rounds),
    ...cachingRows(rounds),
    ...eagerRows(rounds),
    ...eventsRows(rounds),
    ...syncRows(load, rounds),
  ]
}

function cachingRows(rounds: readonly GuideRound[]): Row[] {
  return claimRows(
    'caching',
    rounds.map(({ caching }) => caching),
    row => [
      row('statements_cached', one => one.cached.statementsPer1000),
      row('statements_uncached', one => one.uncached.statementsPer1000),
      row(
        'statements_saved_percent',
        one => saved(one.cached.statementsPer1000, one.uncached.statementsPer1000),
        least(TARGETS.statementsSavedPercent),
      ),
      row('latency_cached_p50_ms', one => one.cached.p50Ms),
      row('latency_uncached_p50_ms', one => one.uncached.p50Ms),
      row('latency_p50_ratio', one => ratio(one.uncached.p50Ms, one.cached.p50Ms), least(TARGETS.latencyRatio)),
      row('latency_mean_ratio', one => ratio(one.uncached.meanMs, one.cached.meanMs)),
    ],
  )
}

function eagerRows(rounds: readonly GuideRound[]): Row[] {
  return claimRows(
    'eager',
    rounds.map(({ eager }) => eager),
    row => [
      row('eager_statements', one => one.eager),
      row('lazy_statements', one => one.lazy),
      row('eager_saved_percent', one => saved(one.eager, one.lazy), least(TARGETS.eagerSavedPercent)),
    ],
  )
}

function eventsRows(rounds: readonly GuideRound[]): Row[] {
  const parts = rounds.map(({ events }) => events)
  const isSustained = parts.every(one => one === null || one.part === null || one.part.wallS >= TARGETS.eventsS)
  return claimRows('events', parts, row => [
    row('events_single_per_s', one => one.singlePerS),
    row('events_per_s', one => one.batchedPerS, isSustained ? least(TARGETS.eventsPerS) : null),
    row('events_ratio', one => ratio(one.batchedPerS, one.singlePerS), least(TARGETS.eventsRatio)),
  ])
}

/** Another number of tenants than the guide's says nothing of the guide's. */
function syncRows({ syncTenants }: GuideLoad, rounds: readonly GuideRound[]): Row[] {
  const isAsClaimed = syncTenants === SLOW.tenants
  const promised = (one: Promised) => (isAsClaimed ? one : null)
  return claimRows(
    'sync',
    rounds.map(({ sync }) => sync),
    row => [
      row(`sync_${syncTenants}_tenants_s`, one => one.throughWorkersS, promised({ target: TARGETS.slowSyncS, atLeast: false })),
      row(`sync_serial_${syncTenants}_tenants_s`, one => one.feedByFeedS),
      row(`sync_by_tenant_${syncTenants}_tenants_s`, one => one.tenantByTenantS),
      row('sync_workers_ratio', one => ratio(one.feedByFeedS, one.throughWorkersS), promised(least(TARGETS.slowSyncRatio))),
    ],
  )
}

/** None where it was not asked for. */
export function scalingRows(scaling: Attempt<Scaling> | null): Row[] {
  if (scaling === null) return []
  return [scalingRow(null, scaling.part ?? { points: [], model: null, faults: [scaling.why] })]
}

type RowOf<Part> = (metric: string, value: (part: Part) => number | null, promised?: Promised | null) => Row

/** None for a claim that was not asked for. */
function claimRows<Part extends { readonly faults: readonly string[] }>(
  claim: ClaimName,
  attempts: readonly (Attempt<Part> | null)[],
  rows: (row: RowOf<Part>) => Row[],
): Row[] {
  if (attempts.every(one => one === null)) return []
  return rows((metric, value, promised = null) => {
    const looks = looksOf(attempts, part => ({ value: value(part), faults: part.faults }))
    return judge(CLAIMS[claim].phase, metric, looks, promised)
  })
}

function saved(now: number | null, before: number | null): number | null {
  return now === null || before === null || before === 0 ? null : (1 - now / before) * 100
}

function ratio(one: number | null, other: number | null): number | null {
  return one === null || other === null || other === 0 ? null : one / other
}
