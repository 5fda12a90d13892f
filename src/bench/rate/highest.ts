import { judge, least, type Row } from '../judging.js'
import type { Phase } from '../sync/targets.js'
import { type RateSearch, type SearchParts, searchRate } from './search.js'
import { repeatsOf } from './step.js'

/** Beyond, no generator of one machine comes near. */
const MOST_PER_S = 200_000
/** Of what a closed loop got out of the server: so much is likely to pass. */
const START_PART = 0.25
/** A search has a dozen steps: each is shorter than what is measured by itself. */
const STEP_PART = 0.4
const STEP_LEAST_MS = 600
/** How many times the goal a step lasts at least: in less, a server that falls behind has not kept anyone waiting for so long. */
const STEP_GOALS = 10

/** What a search came to, as it is told beside the rows. */
export type HighestRate = Pick<RateSearch, 'highestPerS' | 'missedPerS' | 'limit' | 'why'> & { readonly goalMs: number }

/**
 * Searches the highest rate of a server of which it is known about how much it answers in a closed loop.
 * @param durationMs how long a figure is measured
 * @throws {Failure} UNAVAILABLE; the signal's reason
 */
export function searchHighest(
  parts: Omit<SearchParts, keyof ReturnType<typeof repeatsOf> | 'startPerS' | 'mostPerS' | 'threads'>,
  knownPerS: number,
  durationMs: number,
): Promise<RateSearch> {
  const times = repeatsOf(Math.max(STEP_LEAST_MS, durationMs * STEP_PART, parts.goalMs * STEP_GOALS))
  return searchRate({ ...parts, ...times, startPerS: knownPerS * START_PART, mostPerS: MOST_PER_S, threads: null })
}

/** Zero where the server passes at no rate. Where it was not the limit, what was found is too little to miss a target by. @param target requests per second; null where nothing is promised */
export function highestRow(phase: Phase | null, { highestPerS, limit, faults, doubts }: RateSearch, target: number | null): Row {
  const isEnough = target === null || (highestPerS !== null && highestPerS >= target)
  const value = highestPerS ?? (limit === 'server' && faults.length === 0 ? 0 : null)
  const look = { value, faults: isEnough ? faults : [...faults, ...doubts] }
  return judge(phase, 'highest_rate_per_s', [look], target === null ? null : least(target))
}

export function toldOf({ highestPerS, missedPerS, limit, why }: RateSearch, goalMs: number): HighestRate {
  return { highestPerS, missedPerS, limit, why, goalMs }
}
