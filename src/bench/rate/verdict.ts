import type { Drawing } from '../api/drawing.js'
import { mergedTally } from '../api/expectations.js'
import { Latencies, type LatencyCounts, type LatencyFigures } from '../api/latencies.js'
import { faultsOf, isOfGenerator } from '../api/loop-faults.js'
import type { RateStep } from '../result.js'
import { median } from '../sync/rows.js'
import { doubtOf, wordsFor } from './doubts.js'
import type { RateResult, RepeatResult } from './order.js'

/** Of the requests, and of the goal as a time: so much may be under way when the last repeat ends, and was not when the first began. */
const BEHIND_PART = 0.03
const BEHIND_GOALS = 0.1
/** Less of all cores left idle is none. */
const FULL = 0.02

export interface Spread {
  readonly min: number
  readonly max: number
}

export interface MeasuredStep extends RateStep {
  /** Of the repeats that count; null of none. */
  readonly achievedSpread: Spread | null
  readonly p99Spread: Spread | null
}

/** Why a rate says nothing of the server: no connection to it could be opened, or all were in use while it answered in time. */
export type Obstacle = 'refused' | 'connections'

/** What came of one rate. */
export interface MeasuredRate {
  readonly step: MeasuredStep
  /** Medians of the repeats. */
  readonly medians: Pick<LatencyFigures, 'p50Ms' | 'p95Ms' | 'p99Ms'>
  readonly drawing: Drawing
  /** Wrong answers and lost connections. */
  readonly faults: readonly string[]
  /** Why what was measured is not the server's; empty when it is. */
  readonly doubts: readonly string[]
  /** Why the server cannot keep the rate, though those it answered did not wait for too long. */
  readonly misses: readonly string[]
  readonly obstacle: Obstacle | null
  /** The busiest thread's, 1 being all of a core. */
  readonly generatorShare: number
}

export interface AskedRate {
  readonly perS: number
  readonly goalMs: number
  readonly repeatMs: number
  readonly connections: number
}

/**
 * A repeat during which a thread of the generator was saturated or late says nothing of the server, and does not count. When that leaves not more than half of the
 * repeats, the step is not valid; nor is it where requests waited here for a connection, and were answered within the goal from when they were sent. What passes has
 * medians within the goal, and every answer right.
 */
export function judgeRate(asked: AskedRate, result: RateResult): MeasuredRate {
  const judged = result.repeats.map(repeat => ({ repeat, doubt: doubtOf(repeat, asked.goalMs) }))
  const believed = judged.filter(({ doubt }) => doubt.busy === null && doubt.lateMs === null).map(({ repeat }) => repeat)
  const isBelieved = believed.length * 2 > judged.length
  const shown = isBelieved ? believed : result.repeats
  const times = timesOf(shown, ({ latencies }) => latencies)
  const achieved = shown.map(({ came }) => (came * 1000) / asked.repeatMs)
  const complaints = faultsOf(mergedTally(result.repeats.map(({ tally }) => tally)))
  const faults = complaints.filter(one => !isOfGenerator(one))
  const slow = missesOf(times.p99Ms, asked.goalMs, shown, result.machineIdle)
  const misses = behind(asked, shown)
  const isShort = isBelieved && slow.length + misses.length > 0 && isShortOfConnections(shown, asked.goalMs)
  const doubts = [
    ...(isBelieved ? [] : wordsFor(judged.map(({ doubt }) => doubt))),
    ...complaints.filter(isOfGenerator),
    ...(isShort ? [shortText(asked.connections)] : []),
  ]
  const valid = doubts.length === 0
  const why = (valid ? [...faults, ...slow, ...misses] : doubts).join('; ')
  return {
    step: {
      ...{ rate: asked.perS, achieved: median(achieved) ?? 0, p99Ms: times.p99Ms, goalMs: asked.goalMs, valid },
      ...{ pass: why === '', why: why === '' ? null : why },
      ...{ achievedSpread: spreadOf(achieved), p99Spread: spreadOf(times.p99s) },
    },
    medians: { p50Ms: times.p50Ms, p95Ms: times.p95Ms, p99Ms: times.p99Ms },
    drawing: {
      latencies: shown.reduce((all, one) => all.merge(one.latencies), new Latencies()).counts(),
      arrivals: result.arrivals,
    },
    ...{ faults, doubts, misses: valid ? misses : [], obstacle: isShort ? 'connections' : null },
    generatorShare: Math.max(...result.repeats.map(({ strain }) => Math.max(strain.loopShare, strain.cpuShare ?? 0))),
  }
}

/** A rate of which nothing was sent, since no connection could be opened. */
export function refusedRate({ perS, goalMs }: AskedRate, why: string): MeasuredRate {
  const isOurs = isOfGenerator(why)
  const nothing = { achieved: 0, p99Ms: null, achievedSpread: null, p99Spread: null }
  return {
    step: { ...nothing, rate: perS, goalMs, valid: !isOurs, pass: false, why },
    medians: { p50Ms: null, p95Ms: null, p99Ms: null },
    drawing: { latencies: new Latencies().counts(), arrivals: { everyMs: 250, came: [] } },
    ...{ faults: isOurs ? [] : [why], doubts: isOurs ? [why] : [], misses: [], obstacle: 'refused', generatorShare: 0 },
  }
}

/** Medians of the repeats, and the p99 of each. */
function timesOf(repeats: readonly RepeatResult[], of: (repeat: RepeatResult) => LatencyCounts) {
  const figures = repeats.map(repeat => new Latencies().merge(of(repeat)).figures())
  const known = (one: 'p50Ms' | 'p95Ms' | 'p99Ms') => figures.flatMap(each => each[one] ?? [])
  const [p50s, p95s, p99s] = [known('p50Ms'), known('p95Ms'), known('p99Ms')]
  return { p50Ms: median(p50s), p95Ms: median(p95s), p99Ms: median(p99s), p99s }
}

/** Whoever is answered in time once sent has waited for a connection, not for the server. */
function isShortOfConnections(repeats: readonly RepeatResult[], goalMs: number): boolean {
  const { p99Ms } = timesOf(repeats, ({ answering }) => answering)
  return repeats.some(({ waited }) => waited > 0) && p99Ms !== null && p99Ms <= goalMs
}

function shortText(connections: number): string {
  return `all ${connections} connections were in use, and what waited for one was answered in time once it was sent: more --connections would tell`
}

function missesOf(p99Ms: number | null, goalMs: number, repeats: readonly RepeatResult[], machineIdle: number | null): string[] {
  if (p99Ms !== null && p99Ms <= goalMs) return []
  const late = p99Ms === null ? 'nothing was answered' : `the p99 was ${p99Ms.toFixed(1)} ms instead of ${goalMs}`
  const wasFull = machineIdle !== null && machineIdle < FULL
  const waited = repeats.some(({ waited: some }) => some > 0)
  return [
    late,
    ...(waited ? ['requests waited for a connection to be free'] : []),
    ...(wasFull ? ["all cores of this machine were busy, the generator's too"] : []),
  ]
}

/** Who answers less than is asked makes everyone wait longer and longer: that the goal is not missed yet is only that it was not asked for long. */
function behind({ perS, goalMs, repeatMs }: AskedRate, repeats: readonly RepeatResult[]): string[] {
  const durationMs = repeatMs * repeats.length
  const due = (perS * durationMs) / 1000
  const came = repeats.reduce((sum, one) => sum + one.came, 0)
  const spared = due * BEHIND_PART + (perS * goalMs * BEHIND_GOALS) / 1000
  if (due - came <= spared) return []
  return [`only ${Math.round((came * 1000) / durationMs)} per second were answered meanwhile`]
}

function spreadOf(values: readonly number[]): Spread | null {
  return values.length === 0 ? null : { min: Math.min(...values), max: Math.max(...values) }
}
