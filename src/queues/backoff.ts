import type { BackoffPlan } from '../kernel/retry.js'

/** Waits between the attempts of a job, the same for every driver. */
export const BACKOFF: BackoffPlan = { firstMs: 1_000, maxMs: 60_000 }

/** Attempts of a job when `--tries` says nothing. */
export const DEFAULT_TRIES = 5
