import { type Clock, sleep } from './clock.js'
import { Failure } from './errors.js'

export interface BackoffPlan {
  readonly firstMs: number
  readonly maxMs: number
}

/** Wait before attempt `attempt + 1`, ms: doubled each time up to the maximum, with full jitter between half and the whole of it. */
export function backoffMs(attempt: number, plan: BackoffPlan, random: number): number {
  const full = Math.min(plan.maxMs, plan.firstMs * 2 ** (attempt - 1))
  return Math.round(full / 2 + (full / 2) * random)
}

export interface RetryOptions extends BackoffPlan {
  /** Attempts in all, the first included. */
  readonly tries: number
  readonly signal?: AbortSignal
  readonly worthRetrying?: (error: unknown) => boolean
}

/** For statements that two processes' locks may refuse for a moment. */
export const BRIEFLY = { tries: 4, firstMs: 20, maxMs: 200 } as const

/** Runs the deed until it succeeds, fails for good, or the tries are used up; then throws what it threw last. */
export async function retry<T>(deed: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const worthRetrying = options.worthRetrying ?? (error => error instanceof Failure && error.retry)
  for (let attempt = 1; ; attempt++) {
    try {
      return await deed(attempt)
    } catch (error) {
      if (attempt >= options.tries || options.signal?.aborted || !worthRetrying(error)) throw error
      await sleep(backoffMs(attempt, options, Math.random()), options.signal)
    }
  }
}

/** Polls until the probe gives something other than null. @throws {Failure} as `late` makes it, when the time is over */
export async function until<T>(
  probe: () => Promise<T | null>,
  options: { everyMs: number; withinMs: number; late: () => Failure; signal?: AbortSignal; now?: Clock },
): Promise<T> {
  const now = options.now ?? Date.now
  const end = now() + options.withinMs
  for (;;) {
    const found = await probe()
    if (found !== null) return found
    if (now() >= end) throw options.late()
    await sleep(options.everyMs, options.signal)
  }
}
