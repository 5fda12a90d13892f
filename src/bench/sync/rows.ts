import { feedsOf, type SyncLoad } from './load.js'
import type { PerProcess } from './phase.js'
import type { SyncPhase, SyncRound } from './round.js'
import { type Phase, phaseOf, type Targets } from './targets.js'
import { greatest } from './usage.js'

/** One figure of a benchmark. `measured` is the median of all looks; for a peak, as in `peak_rss_bytes`, it is the greatest. */
export interface Row {
  /** The phase of the guide that so many tenants belong to. */
  readonly phase: Phase | null
  readonly metric: string
  /** Null where nothing is promised. */
  readonly target: number | null
  /** Whether the target is the least that passes; without it, it is the most. */
  readonly atLeast?: true
  /** Null where this system does not tell. */
  readonly measured: number | null
  readonly min: number | null
  readonly max: number | null
  /** Null without a target. A figure that is not valid does not pass. */
  readonly pass: boolean | null
  /** Whether what was measured is what should have been. */
  readonly valid: boolean
  /** Why not; null when it is valid. */
  readonly why: string | null
}

export function rowsOf(load: SyncLoad, targets: Targets, rounds: readonly SyncRound[]): Row[] {
  const phase = phaseOf(load.tenants)
  const cold = rounds.map(round => round.cold)
  const warm = rounds.flatMap(round => round.warm)
  const row = (
    metric: string,
    of: readonly SyncPhase[],
    figure: (one: SyncPhase) => number | null,
    target: number | null = null,
  ) => judge({ phase, metric, target, ...spread(of.map(figure)) }, of)
  const seconds = (one: SyncPhase) => one.syncMs / 1000
  const perSecond = (amount: number) => (one: SyncPhase) => (one.syncMs > 0 ? (amount * 1000) / one.syncMs : null)
  const peak = row('peak_rss_bytes', [...cold, ...warm], one => greatest([one.peakRssBytes.sync, one.peakRssBytes.workers]))
  return [
    row('sync_cold_s', cold, seconds, targets.coldS),
    row('sync_warm_s', warm, seconds, targets.warmS),
    judge({ ...peak, target: targets.peakRssBytes, measured: peak.max }, [...cold, ...warm]),
    row('wall_cold_s', cold, one => one.wallMs / 1000),
    row('wall_warm_s', warm, one => one.wallMs / 1000),
    row('feeds_per_s_cold', cold, perSecond(feedsOf(load))),
    row('feeds_per_s_warm', warm, perSecond(feedsOf(load))),
    row('posts_per_s_cold', cold, perSecond(feedsOf(load) * load.items)),
    row('requests_cold', cold, one => one.requests),
    row('requests_warm', warm, one => one.requests),
    row('cpu_cold_s', cold, one => cpuOf(one.cpuS)),
    row('cpu_warm_s', warm, one => cpuOf(one.cpuS)),
    judge({ phase, metric: 'provision_s', target: null, ...spread(rounds.map(round => round.provisionMs / 1000)) }, []),
  ]
}

/** The middle value, or the mean of the two in the middle; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

function spread(values: readonly (number | null)[]): Pick<Row, 'measured' | 'min' | 'max'> {
  const known = values.filter(value => value !== null)
  const rounded = (value: number | null) => (value === null ? null : Number(value.toFixed(3)))
  if (known.length === 0) return { measured: null, min: null, max: null }
  return { measured: rounded(median(known)), min: rounded(Math.min(...known)), max: rounded(Math.max(...known)) }
}

/** A target is the most that passes. */
function judge(figure: Omit<Row, 'pass' | 'valid' | 'why'>, of: readonly SyncPhase[]): Row {
  const faults = [...new Set(of.flatMap(one => one.faults))]
  const valid = faults.length === 0
  const { target, measured } = figure
  const pass = target === null || measured === null ? null : valid && measured <= target
  return { ...figure, pass, valid, why: valid ? null : faults.join('; ') }
}

/** Of feedctl's own processes. */
function cpuOf({ sync, workers }: PerProcess): number | null {
  return sync === null ? null : sync + (workers ?? 0)
}
