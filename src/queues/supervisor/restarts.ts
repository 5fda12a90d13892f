import { backoffMs } from '../../kernel/retry.js'

/** Between a worker's end and the start of the next. */
export const RESTARTS = { firstMs: 500, maxMs: 60_000 }
/** A worker that lived so long was well. */
export const WELL_MS = 60_000
/** One that ends by its own limits before it did anything, and before this, would be started for ever. */
const BRIEF_MS = 5_000
/** Ends in a row that no restart will mend. */
const REFUSALS = 3

/** How a worker process ended. */
export interface ProcessEnd {
  /** Null when a signal ended it, or when it could not be started. */
  readonly exit: number | null
  readonly livedMs: number
  /** Jobs that it finished or failed. */
  readonly jobs: number
}

/** Ended by itself, because of a limit. */
export function isRecycled(end: ProcessEnd): boolean {
  return end.exit === 0 && (end.jobs > 0 || end.livedMs >= BRIEF_MS)
}

/**
 * When a worker's place is filled again, ms from now. `deaths`: how many of its workers have died in a row before, each young and without a
 * single job done; the answer has the new number.
 */
export function restartAfter(
  deaths: number,
  end: ProcessEnd,
  random: number,
): { readonly deaths: number; readonly delayMs: number } {
  if (isRecycled(end)) return { deaths: 0, delayMs: 0 }
  const now = end.livedMs >= WELL_MS || end.jobs > 0 ? 1 : deaths + 1
  return { deaths: now, delayMs: backoffMs(now, RESTARTS, random) }
}

/** Ended as one does that is told to: by a signal that it heeds, or without its supervisor. */
export function isAsTold({ exit }: ProcessEnd): boolean {
  return exit === 0 || exit === 130 || exit === 143
}

/** Exit statuses of wrong usage and wrong settings. */
export function isRefusal(end: ProcessEnd): boolean {
  return end.exit === 2 || end.exit === 3
}

/** Whether so many refusals, without a worker that consumed in between, are enough to give up. */
export function givesUp(refusals: number): boolean {
  return refusals >= REFUSALS
}
