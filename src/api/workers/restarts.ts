import { backoffMs } from '../../kernel/retry.js'

/** Between a worker's death and the start of the next. */
const RESTARTS = { firstMs: 200, maxMs: 30_000 }
/** A worker that served so long was well. */
export const WELL_MS = 10_000
/** Deaths in a row, in one place, that no restart will mend: however many processes there are, each may be killed once. */
const HOPELESS = 5

/**
 * When a worker's place is filled again, ms from now. `deaths`: how many have died in a row in its place before, each young; the answer has the new number.
 * `servedMs`: how long it served; null when it never did.
 */
export function restartAfter(
  deaths: number,
  servedMs: number | null,
  random: number,
): { readonly deaths: number; readonly delayMs: number } {
  if (servedMs !== null && servedMs >= WELL_MS) return { deaths: 0, delayMs: 0 }
  const now = deaths + 1
  return { deaths: now, delayMs: backoffMs(now, RESTARTS, random) }
}

/** Whether to end rather than to go on: where one still serves, there is something to lose. */
export function givesUp(deaths: number, serving: number): boolean {
  return deaths >= HOPELESS && serving === 0
}
