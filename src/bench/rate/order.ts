import type { Target } from '../api/connection.js'
import type { ArrivalCounts } from '../api/drawing.js'
import type { Asked, Tally } from '../api/expectations.js'
import type { LatencyCounts } from '../api/latencies.js'

/** Requests that begin at a fixed rate, whether those before are answered or not: a warm-up that counts for nothing, and then repeats without a pause between them. */
export interface RateOrder {
  readonly target: Target
  /** Over all threads: as many requests can be under way; those beyond wait here, and their waiting counts. */
  readonly connections: number
  readonly perS: number
  readonly warmUpMs: number
  readonly repeatMs: number
  readonly repeats: number
  readonly asked: readonly Asked[]
  /** How long answers are waited for after the last request was due. */
  readonly patienceMs: number
  /** Null: as many as the rate takes, of those that this machine has cores for. */
  readonly threads: number | null
}

/** A thread's part: of the requests in their order, each `of`th from the `part`th on. */
export interface ShareOrder extends RateOrder {
  readonly part: number
  readonly of: number
}

/** How busy a thread was. */
export interface ThreadStrain {
  /** Part of the time in which its event loop was busy. */
  readonly loopShare: number
  /** Its own processor time, 1 being all of a core; null where it cannot be known. */
  readonly cpuShare: number | null
}

/** Of the requests that were due in one repeat. */
export interface RepeatCounts {
  readonly tally: Tally
  /** From when each was due to its answer; of those without one, until nobody waited any more. */
  readonly latencies: LatencyCounts
  /** From when each was sent until its answer, or until nobody waited any more; without those that never were. */
  readonly answering: LatencyCounts
  /** From when each was due until the generator saw that it was. */
  readonly lateness: LatencyCounts
  /** Answers that came during the repeat, to whichever request. */
  readonly came: number
  /** Requests that found no connection free. */
  readonly waited: number
  readonly strain: ThreadStrain
}

export interface ShareResult {
  readonly repeats: readonly RepeatCounts[]
  /** From the end of the warm-up on. */
  readonly arrivals: ArrivalCounts
  /** Connections that were opened again because the server had closed them between two requests. */
  readonly reopened: number
}

/** All threads' together. */
export interface RepeatResult extends Omit<RepeatCounts, 'strain'> {
  /** The busiest thread's. */
  readonly strain: ThreadStrain
}

/** No connection could be opened. */
export interface RefusedRate {
  readonly refused: string
}

export interface RateResult {
  readonly threads: number
  readonly repeats: readonly RepeatResult[]
  readonly arrivals: ArrivalCounts
  readonly reopened: number
  /** Part of all cores that nobody used meanwhile; null where it cannot be known. */
  readonly machineIdle: number | null
}
