import { judge, least, type Promised, type Row } from '../judging.js'
import { phaseOf } from '../sync/targets.js'
import type { CachingRound } from './caching.js'
import type { EagerRound } from './eager.js'
import { type GuideLoad, TARGETS } from './load.js'

/** One repetition. */
export interface GuideRound {
  readonly caching: CachingRound
  readonly eager: EagerRound
  readonly events: {
    readonly singlePerS: number
    readonly batchedPerS: number
    readonly faults: readonly string[]
  }
}

export function rowsOf(load: GuideLoad, rounds: readonly GuideRound[]): Row[] {
  const rowsFor = <Part extends 'caching' | 'eager' | 'events'>(part: Part) => {
    return (metric: string, value: (one: GuideRound[Part]) => number | null, promised: Promised | null = null) =>
      judge(
        phaseOf(load.tenants),
        metric,
        rounds.map(round => ({ value: value(round[part]), faults: round[part].faults })),
        promised,
      )
  }
  const [caching, eager, events] = [rowsFor('caching'), rowsFor('eager'), rowsFor('events')]
  return [
    caching('statements_cached', one => one.cached.statementsPer1000),
    caching('statements_uncached', one => one.uncached.statementsPer1000),
    caching(
      'statements_saved_percent',
      one => saved(one.cached.statementsPer1000, one.uncached.statementsPer1000),
      least(TARGETS.statementsSavedPercent),
    ),
    caching('latency_cached_p50_ms', one => one.cached.p50Ms),
    caching('latency_uncached_p50_ms', one => one.uncached.p50Ms),
    caching('latency_p50_ratio', one => ratio(one.uncached.p50Ms, one.cached.p50Ms), least(TARGETS.latencyRatio)),
    caching('latency_mean_ratio', one => ratio(one.uncached.meanMs, one.cached.meanMs)),
    eager('eager_statements', one => one.eager),
    eager('lazy_statements', one => one.lazy),
    eager('eager_saved_percent', one => saved(one.eager, one.lazy), least(TARGETS.eagerSavedPercent)),
    events('events_single_per_s', one => one.singlePerS),
    events('events_batched_per_s', one => one.batchedPerS),
    events('events_ratio', one => ratio(one.batchedPerS, one.singlePerS), least(TARGETS.eventsRatio)),
  ]
}

function saved(now: number | null, before: number | null): number | null {
  return now === null || before === null || before === 0 ? null : (1 - now / before) * 100
}

function ratio(one: number | null, other: number | null): number | null {
  return one === null || other === null || other === 0 ? null : one / other
}
