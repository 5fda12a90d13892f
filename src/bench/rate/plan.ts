/** What came of a rate. Invalid: the generator could not make it, so nothing is known of the server. */
export type Outcome = 'pass' | 'fail' | 'invalid'

export interface SearchPlan {
  /** Requests per second of the first step. */
  readonly startPerS: number
  /** No more is tried, and no less. */
  readonly mostPerS: number
  readonly leastPerS: number
  /** Of the staircase, by how much each step is the one before it. */
  readonly stride: number
  /** The search ends when what did not pass is at most this part more than what did. */
  readonly precision: number
}

/** Where a search has come to. */
export interface SearchState {
  readonly plan: SearchPlan
  /** The highest that passed; null when none has. */
  readonly passed: number | null
  /** The lowest above it that did not pass; null when there is none. */
  readonly missed: { readonly perS: number; readonly outcome: Exclude<Outcome, 'pass'> } | null
  /** Whether `next` was tried before, and did not pass: it counts when it does not again. */
  readonly isRetry: boolean
  /** What is to be tried now; null when the search is over. */
  readonly next: number | null
}

export const SEARCH = { stride: 2, precision: 0.05 } as const

export function beginSearch(plan: SearchPlan): SearchState {
  const next = Math.min(plan.mostPerS, Math.max(plan.leastPerS, Math.round(plan.startPerS)))
  return { plan, passed: null, missed: null, isRetry: false, next }
}

/**
 * What is known after the rate that was next came out so: a staircase up until a rate does not pass, or down until one does, and then halves of what is between.
 * Servers hiccup, and so do generators: the first rate above all others that does not pass, one that is not valid, and one that would end the search are tried once
 * more before they bound anything, and what passes then counts. Below the lowest that did not pass nothing is taken for granted either: what passes there is what is
 * told, not what lies under it.
 */
export function afterStep(state: SearchState, outcome: Outcome): SearchState {
  const { plan, passed, missed, isRetry, next } = state
  if (next === null) return state
  const known = { plan, isRetry: false, next: null }
  if (outcome === 'pass') {
    // One that did not pass before and does now was a hiccup.
    const above = missed !== null && missed.perS > next ? missed : null
    return decided({ ...known, passed: Math.max(next, passed ?? 0), missed: above })
  }
  const bounded = decided({ ...known, passed, missed: { perS: next, outcome } })
  const isDoubted = missed === null || outcome === 'invalid' || bounded.next === null
  return isDoubted && !isRetry ? { ...state, isRetry: true } : bounded
}

function decided(state: SearchState): SearchState {
  const { plan, passed, missed } = state
  if (missed === null) return { ...state, next: passed === plan.mostPerS ? null : whole(state, (passed ?? 0) * plan.stride) }
  if (passed === null) return { ...state, next: missed.perS <= plan.leastPerS ? null : whole(state, missed.perS / plan.stride) }
  const isClose = missed.perS <= passed * (1 + plan.precision) || missed.perS - passed <= 1
  return { ...state, next: isClose ? null : Math.round((passed + missed.perS) / 2) }
}

function whole({ plan }: SearchState, perS: number): number {
  return Math.min(plan.mostPerS, Math.max(plan.leastPerS, Math.round(perS)))
}
