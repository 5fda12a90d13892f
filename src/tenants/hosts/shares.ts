/** What is known when a process asks for connections of a host's budget. */
export interface Asking {
  /** Connections of all processes together. */
  readonly budget: number
  /** Processes that have, or wait for, connections now, this one among them. */
  readonly processes: number
  /** Connections that the others have. */
  readonly others: number
  /** Most that this process may use at all: FEEDCTL_DB_POOL. */
  readonly most: number
}

/**
 * Connections of each process: the budget divided by the processes and one more, so that a process that comes finds its share at once and nobody has to give
 * any up for it; at least 1.
 */
export function shareOf({ budget, processes, most }: Pick<Asking, 'budget' | 'processes' | 'most'>): number {
  return Math.max(1, Math.min(most, Math.floor(budget / (processes + 1))))
}

/** Connections that the process gets now: its share, or what the others leave of it until they have given up theirs; never more than the budget holds. */
export function grantOf(asking: Asking): number {
  return Math.max(0, Math.min(shareOf(asking), asking.budget - asking.others))
}
