/**
 * How long to wait before the next of deeds that are done so many per second, ms, when the one before was begun so long ago: what a stall
 * has cost is not caught up. `perS` null is as fast as can be.
 */
export function paceMs(perS: number | null, sinceLastMs: number): number {
  return perS === null ? 0 : Math.max(0, 1000 / perS - sinceLastMs)
}
