import type { Target } from '../api/connection.js'
import type { Asked } from '../api/expectations.js'
import type { LoadProcess } from '../api/load-process.js'
import type { RateOrder, RateResult, RefusedRate } from './order.js'
import { judgeRate, type MeasuredRate, refusedRate } from './verdict.js'

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

const REPEATS = 3
const WARM_UP_PART = 0.2
const WARM_UP_MOST_MS = 2_000

/** How a time is spread over repeats, after a warm-up that is added to it. */
export function repeatsOf(durationMs: number): Pick<RateParts, 'warmUpMs' | 'repeatMs' | 'repeats'> {
  const warmUpMs = Math.min(WARM_UP_MOST_MS, durationMs * WARM_UP_PART)
  return { warmUpMs, repeatMs: durationMs / REPEATS, repeats: REPEATS }
}

/** Sends at one rate. @throws {Failure} UNAVAILABLE when the generator fails */
export async function measureRate(parts: RateParts, perS: number): Promise<MeasuredRate> {
  const { generator, target, asked, connections, warmUpMs, repeatMs, repeats, threads, goalMs } = parts
  const patienceMs = Math.max(PATIENCE_LEAST_MS, goalMs * PATIENCE_GOALS)
  const order: RateOrder = { target, asked, connections, perS, warmUpMs, repeatMs, repeats, threads, patienceMs }
  const { result } = await generator.run<RateResult | RefusedRate>('sendAtRate', order)
  const rate = { perS, goalMs, repeatMs, connections }
  return 'refused' in result ? refusedRate(rate, result.refused) : judgeRate(rate, result)
}
