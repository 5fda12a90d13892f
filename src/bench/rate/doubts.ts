import { Latencies } from '../api/latencies.js'
import { greatest } from '../sync/usage.js'
import type { RepeatResult } from './order.js'

/** A thread that is busier than this cannot know whether the server was the slower one. */
const SATURATED = 0.95
/** A request that begins late looks as if the server had been slow: up to this part of the goal, that moves no verdict that was not near. */
const LATE_PART = 0.1
/** The timer's own grain, and the least that a machine with anything else on it adds. */
const LATE_LEAST_MS = 3

/** The busiest and the latest that a repeat was; both null when it counts. */
export interface Doubt {
  readonly busy: number | null
  readonly lateMs: number | null
}

export function doubtOf({ strain, lateness }: RepeatResult, goalMs: number): Doubt {
  const busy = Math.max(strain.loopShare, strain.cpuShare ?? 0)
  const lateMs = new Latencies().merge(lateness).figures().p99Ms ?? 0
  const bound = Math.max(LATE_LEAST_MS, goalMs * LATE_PART)
  return { busy: busy < SATURATED ? null : busy, lateMs: lateMs <= bound ? null : lateMs }
}

export function wordsFor(doubts: readonly Doubt[]): string[] {
  const busy = greatest(doubts.map(one => one.busy))
  const lateMs = greatest(doubts.map(one => one.lateMs))
  return [
    ...(busy === null
      ? []
      : [`the load generator was saturated (${Math.round(busy * 100)} % busy): the server could have done more`]),
    ...(lateMs === null
      ? []
      : [`the load generator was late: one request in a hundred began ${lateMs.toFixed(1)} ms or more after it was due`]),
  ]
}
