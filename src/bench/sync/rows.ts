import { type Judging, judge, looksAt, most, type Row } from '../judging.js'
import { feedsOf, type SyncLoad } from './load.js'
import type { PerProcess } from './phase.js'
import type { SyncPhase, SyncRound } from './round.js'
import { phaseOf, type Targets } from './targets.js'
import { greatest } from './usage.js'

export { median, type Row } from '../judging.js'

export function rowsOf(load: SyncLoad, targets: Targets, rounds: readonly SyncRound[]): Row[] {
  const phase = phaseOf(load.tenants)
  const cold = rounds.map(round => round.cold)
  const warm = rounds.flatMap(round => round.warm)
  const row = (
    metric: string,
    of: readonly SyncPhase[],
    figure: (one: SyncPhase) => number | null,
    target: number | null = null,
    by: Judging['by'] = 'median',
  ) =>
    judge(
      phase,
      metric,
      of.map(one => ({ value: figure(one), faults: one.faults })),
      target === null ? null : most(target),
      { by, unmeasured: 'untold' },
    )
  const seconds = (one: SyncPhase) => one.syncMs / 1000
  const perSecond = (amount: number) => (one: SyncPhase) => (one.syncMs > 0 ? (amount * 1000) / one.syncMs : null)
  const peak = (one: SyncPhase) => greatest([one.peakRssBytes.sync, one.peakRssBytes.workers])
  return [
    row('sync_cold_s', cold, seconds, targets.coldS),
    row('sync_warm_s', warm, seconds, targets.warmS),
    row('peak_rss_bytes', [...cold, ...warm], peak, targets.peakRssBytes, 'greatest'),
    row('wall_cold_s', cold, one => one.wallMs / 1000),
    row('wall_warm_s', warm, one => one.wallMs / 1000),
    row('feeds_per_s_cold', cold, perSecond(feedsOf(load))),
    row('feeds_per_s_warm', warm, perSecond(feedsOf(load))),
    row('posts_per_s_cold', cold, perSecond(feedsOf(load) * load.items)),
    row('requests_cold', cold, one => one.requests),
    row('requests_warm', warm, one => one.requests),
    row('cpu_cold_s', cold, one => cpuOf(one.cpuS)),
    row('cpu_warm_s', warm, one => cpuOf(one.cpuS)),
    judge(phase, 'provision_s', looksAt(rounds.map(round => round.provisionMs / 1000))),
  ]
}

/** Of feedctl's own processes. */
function cpuOf({ sync, workers }: PerProcess): number | null {
  return sync === null ? null : sync + (workers ?? 0)
}
