import { judge, type Look, most, type Row } from '../judging.js'
import { type Phase, phaseOf } from '../sync/targets.js'
import type { Backlog } from './backlog.js'
import type { Fairness } from './fairness.js'
import { type QueueLoad, TARGETS } from './load.js'

/** One repetition. */
export interface QueueRound {
  readonly backlog: Backlog
  readonly fairness: Fairness
}

export function rowsOf(load: QueueLoad, rounds: readonly QueueRound[]): Row[] {
  const ofJobs = (metric: string, figure: (one: Backlog) => number, target: number | null = null) =>
    rowOf(
      phaseOf(load.jobs),
      metric,
      rounds.map(({ backlog }) => ({ value: figure(backlog), faults: backlog.faults })),
      load.jobs <= TARGETS.jobs ? target : null,
    )
  const ofTenants = (metric: string, figure: (one: Fairness) => number, target: number | null = null) =>
    rowOf(
      phaseOf(load.tenants + 1),
      metric,
      rounds.map(({ fairness }) => ({ value: figure(fairness), faults: fairness.faults })),
      load.giantFeeds <= TARGETS.giantFeeds ? target : null,
    )
  const seconds = (waits: readonly number[], part: number) => quantile(waits, part) / 1000
  const ratio = (part: number) => (one: Fairness) => quantile(one.besideGiant, part) / quantile(one.alone, part)
  return [
    ofJobs('enqueue_s', one => one.enqueueMs / 1000, TARGETS.enqueueS),
    ofJobs('status_p95_ms', one => quantile(one.statusMs, 0.95), TARGETS.statusP95Ms),
    ofJobs('processed_per_s', one => one.processedPerS),
    ofTenants('wait_median_alone_s', one => seconds(one.alone, 0.5)),
    ofTenants('wait_p95_alone_s', one => seconds(one.alone, 0.95)),
    ofTenants('wait_last_alone_s', one => seconds(one.alone, 1)),
    ofTenants('wait_median_giant_s', one => seconds(one.besideGiant, 0.5)),
    ofTenants('wait_p95_giant_s', one => seconds(one.besideGiant, 0.95)),
    ofTenants('wait_last_giant_s', one => seconds(one.besideGiant, 1)),
    ofTenants('wait_median_ratio', ratio(0.5), TARGETS.waitRatio),
    ofTenants('wait_p95_ratio', ratio(0.95), TARGETS.waitRatio),
    ofTenants('wait_last_ratio', ratio(1)),
    ofTenants('giant_s', one => one.giantMs / 1000),
  ]
}

/** The smallest value that the part (0 to 1) of all does not exceed; NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

function rowOf(phase: Phase, metric: string, looks: readonly Look[], target: number | null): Row {
  return judge(phase, metric, looks, target === null ? null : most(target), { unmeasured: 'invalid' })
}
