import { distributionOf, seriesOf } from '../api/drawing.js'
import type { LatencyDistribution, ThroughputSeries } from '../result.js'
import { afterStep, beginSearch, SEARCH, type SearchState } from './plan.js'
import { measureRate, type RateParts } from './step.js'
import type { MeasuredRate, MeasuredStep } from './verdict.js'

/** In each repeat: no rate is tried that has fewer. */
const LEAST_REQUESTS = 10
/** By how much there are more connections when there were too few. */
const MORE_CONNECTIONS = 4

export interface SearchParts extends RateParts {
  /** Requests per second of the first step, and the most that are tried. */
  readonly startPerS: number
  readonly mostPerS: number
  /** So many are opened at most, where those there are prove to be too few; absent: no more than there are. */
  readonly mostConnections?: number
  /** Is told each step. */
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

/** The highest rate at a latency goal. */
export interface RateSearch {
  /** Null when none passed. */
  readonly highestPerS: number | null
  /** The lowest above it that did not pass; null when there is none. */
  readonly missedPerS: number | null
  /** What kept it from going higher. */
  readonly limit: 'server' | 'generator' | 'connections' | 'cap'
  /** The same in words. */
  readonly why: string
  readonly steps: readonly MeasuredStep[]
  /** Of the highest that passed; null when none did. */
  readonly latency: LatencyDistribution | null
  readonly throughput: ThroughputSeries | null
  /** Why nothing was found out at all; empty when something was. */
  readonly faults: readonly string[]
  /** Why more may be possible than was found; empty where the server was the limit. */
  readonly doubts: readonly string[]
}

/** Tries rates as the plan wants them. @throws {Failure} UNAVAILABLE when the generator fails; the signal's reason */
export async function searchRate(parts: SearchParts): Promise<RateSearch> {
  const { startPerS, mostPerS, note, signal } = parts
  const tried: MeasuredRate[] = []
  const leastPerS = Math.min(mostPerS, Math.ceil((LEAST_REQUESTS * 1000) / parts.repeatMs))
  let state = beginSearch({ ...SEARCH, startPerS, mostPerS, leastPerS })
  let { connections } = parts
  const most = parts.mostConnections ?? connections
  while (state.next !== null) {
    signal.throwIfAborted()
    const measured = await measureRate({ ...parts, connections }, state.next)
    note(stepText(measured.step))
    if (measured.obstacle === 'connections' && connections < most) {
      connections = Math.min(most, connections * MORE_CONNECTIONS)
      continue
    }
    tried.push(measured)
    const { isRetry } = state
    state = afterStep(state, measured.step.pass ? 'pass' : measured.step.valid ? 'fail' : 'invalid')
    // A server that is gone says nothing of lower rates.
    if (measured.obstacle === 'refused' && isRetry) break
  }
  return found(state, tried)
}

function found({ passed, missed, plan }: SearchState, tried: readonly MeasuredRate[]): RateSearch {
  const best = tried.findLast(({ step }) => step.rate === passed && step.pass) ?? null
  const last = tried.findLast(({ step }) => step.rate === missed?.perS && !step.pass) ?? null
  const limit = last === null ? 'cap' : limitOf(last)
  const why =
    last === null ? `no more than ${plan.mostPerS} per second were tried` : `at ${last.step.rate} per second ${last.step.why}`
  const doubts = limit === 'server' ? [] : [why]
  const isGone = passed === null && last?.obstacle === 'refused'
  return {
    ...{ highestPerS: passed, missedPerS: missed?.perS ?? null, limit, why },
    steps: tried.map(({ step }) => step),
    latency: best && distributionOf(nameOf(best), [best.drawing]),
    throughput: best && seriesOf(nameOf(best), [best.drawing]),
    faults: isGone ? [why] : passed === null ? doubts : [],
    doubts,
  }
}

function limitOf({ step, obstacle }: MeasuredRate): Exclude<RateSearch['limit'], 'cap'> {
  if (step.valid) return 'server'
  return obstacle === 'connections' ? 'connections' : 'generator'
}

function nameOf({ step }: MeasuredRate): string {
  return `${step.rate} per second`
}

function stepText({ rate, p99Ms, goalMs, pass, why }: MeasuredStep): string {
  return pass ? `${rate} per second: p99 ${p99Ms?.toFixed(1)} of ${goalMs} ms` : `${rate} per second: ${why}`
}
