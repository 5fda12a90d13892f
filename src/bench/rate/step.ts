import type { Target } from '../api/connection.js'
import type { Drawing } from '../api/drawing.js'
import { type Asked, mergedTally } from '../api/expectations.js'
import { Latencies, type LatencyFigures } from '../api/latencies.js'
import type { LoadProcess } from '../api/load-process.js'
import { faultsOf } from '../api/loop-faults.js'
import type { RateStep } from '../result.js'
import { median } from '../sync/rows.js'
import type { RateOrder, RateResult, RepeatResult } from './order.js'

/** A thread that is busier than this cannot know whether the server was the slower one. */
const SATURATED = 0.95
/** A request that begins late looks as if the server had been slow: up to this part of the goal, that moves no verdict that was not near. */
const LATE_PART = 0.1
/** The timer's own grain, and the least that a machine with anything else on it adds. */
const LATE_LEAST_MS = 3
/** Less of all cores left idle is none. */
const FULL = 0.02
/** Whoever is not answered by then, of so many times the goal, would not meet it with any luck. */
const PATIENCE_GOALS = 4
const PATIENCE_LEAST_MS = 1_000

/** How rates are measured: what is asked, and for how long. */
export interface RateParts {
  readonly generator: LoadProcess
  readonly target: Target
  readonly asked: readonly Asked[]
  /** As many requests can be under way; those beyond wait, and their waiting counts. */
  readonly connections: number
  /** Of the p99 of the times from when requests were due. */
  readonly goalMs: number
  readonly warmUpMs: number
  readonly repeatMs: number
  readonly repeats: number
  /** Of the generator; null: as many as the rate takes, of those that this machine has cores for. */
  readonly threads: number | null
}

export interface Spread {
  readonly min: number
  readonly max: number
}

export interface MeasuredStep extends RateStep {
  /** Of the repeats that count; null of none. */
  readonly achievedSpread: Spread | null
  readonly p99Spread: Spread | null
}

/** What came of one rate. */
export interface MeasuredRate {
  readonly step: MeasuredStep
  /** Medians of the repeats. */
  readonly medians: Pick<LatencyFigures, 'p50Ms' | 'p95Ms' | 'p99Ms'>
  readonly drawing: Drawing
  /** Wrong answers and lost connections. */
  readonly faults: readonly string[]
  /** Why the generator cannot be believed; empty when it can. */
  readonly doubts: readonly string[]
  /** The busiest thread's, 1 being all of a core. */
  readonly generatorShare: number
}

const REPEATS = 3
const WARM_UP_PART = 0.2
const WARM_UP_MOST_MS = 2_000

/** How a time is spread over repeats, after a warm-up that is added to it. */
export function repeatsOf(durationMs: number): Pick<RateParts, 'warmUpMs' | 'repeatMs' | 'repeats'> {
  const warmUpMs = Math.min(WARM_UP_MOST_MS, durationMs * WARM_UP_PART)
  return { warmUpMs, repeatMs: durationMs / REPEATS, repeats: REPEATS }
}

/** Sends at one rate. @throws {Failure} UNAVAILABLE when a connection is refused */
export async function measureRate(parts: RateParts, perS: number): Promise<MeasuredRate> {
  const { generator, target, asked, connections, warmUpMs, repeatMs, repeats, threads, goalMs } = parts
  const patienceMs = Math.max(PATIENCE_LEAST_MS, goalMs * PATIENCE_GOALS)
  const order: RateOrder = { target, asked, connections, perS, warmUpMs, repeatMs, repeats, threads, patienceMs }
  const { result } = await generator.run<RateResult>('sendAtRate', order)
  return judgeRate(perS, goalMs, repeatMs, result)
}

/**
 * A repeat during which a thread of the generator was saturated or late says nothing of the server, and does not count. When that leaves not more than half of the
 * repeats, the step is not valid. What passes has medians within the goal, and every answer right.
 */
export function judgeRate(perS: number, goalMs: number, repeatMs: number, result: RateResult): MeasuredRate {
  const judged = result.repeats.map(repeat => ({ repeat, doubts: doubtsOf(repeat, goalMs) }))
  const believed = judged.filter(({ doubts }) => doubts.length === 0).map(({ repeat }) => repeat)
  const valid = believed.length * 2 > judged.length
  const shown = valid ? believed : result.repeats
  const figures = shown.map(({ latencies }) => new Latencies().merge(latencies).figures())
  const known = (of: (one: (typeof figures)[number]) => number | null) => figures.flatMap(one => of(one) ?? [])
  const p99s = known(({ p99Ms }) => p99Ms)
  const achieved = shown.map(({ came }) => (came * 1000) / repeatMs)
  const doubts = valid ? [] : [...new Set(judged.flatMap(one => one.doubts))]
  const faults = faultsOf(mergedTally(result.repeats.map(({ tally }) => tally)))
  const p99Ms = median(p99s)
  const why = [...doubts, ...(valid ? missesOf(p99Ms, goalMs, faults, result) : [])].join('; ')
  return {
    step: {
      ...{ rate: perS, achieved: median(achieved) ?? 0, p99Ms, goalMs, valid },
      ...{ pass: why === '', why: why === '' ? null : why },
      ...{ achievedSpread: spreadOf(achieved), p99Spread: spreadOf(p99s) },
    },
    medians: { p50Ms: median(known(one => one.p50Ms)), p95Ms: median(known(one => one.p95Ms)), p99Ms },
    drawing: {
      latencies: shown.reduce((all, one) => all.merge(one.latencies), new Latencies()).counts(),
      arrivals: result.arrivals,
    },
    ...{ faults, doubts },
    generatorShare: Math.max(...result.repeats.map(({ strain }) => Math.max(strain.loopShare, strain.cpuShare ?? 0))),
  }
}

function doubtsOf({ strain, lateness }: RepeatResult, goalMs: number): string[] {
  const busy = Math.max(strain.loopShare, strain.cpuShare ?? 0)
  const lateMs = new Latencies().merge(lateness).figures().p99Ms ?? 0
  const bound = Math.max(LATE_LEAST_MS, goalMs * LATE_PART)
  return [
    ...(busy < SATURATED
      ? []
      : [`the load generator was saturated (${Math.round(busy * 100)} % busy): the server could have done more`]),
    ...(lateMs <= bound
      ? []
      : [`the load generator was late: one request in a hundred began ${lateMs.toFixed(1)} ms or more after it was due`]),
  ]
}

function missesOf(p99Ms: number | null, goalMs: number, faults: readonly string[], result: RateResult): string[] {
  if (p99Ms !== null && p99Ms <= goalMs) return [...faults]
  const late = p99Ms === null ? 'nothing was answered' : `the p99 was ${p99Ms.toFixed(1)} ms instead of ${goalMs}`
  const wasFull = result.machineIdle !== null && result.machineIdle < FULL
  const waited = result.repeats.some(({ waited: some }) => some > 0)
  return [
    ...faults,
    late,
    ...(waited ? ['requests waited for a connection to be free'] : []),
    ...(wasFull ? ["all cores of this machine were busy, the generator's too"] : []),
  ]
}

function spreadOf(values: readonly number[]): Spread | null {
  return values.length === 0 ? null : { min: Math.min(...values), max: Math.max(...values) }
}
