/** How many workers the supervisor was told to keep, and what they may take together. */
export interface Limits {
  readonly min: number
  readonly max: number
  readonly targetWaitMs: number
  /** Bytes the workers may take together, and what one takes. */
  readonly memory: Budget
  /** Database connections the workers may take together, and what one may open; null where the database has no such bound. */
  readonly connections: Budget | null
}

export interface Budget {
  readonly all: number
  readonly perWorker: number
}

/** How many workers there may be now, and in words why it is not `max`; null when it is. Never below `min`. */
export interface Ceiling {
  readonly workers: number
  readonly cut: string | null
}

const MEBIBYTE = 1024 * 1024

/** `max`, cut by the scarcest budget. `min` is kept even where a budget says less: then the words say that too. */
export function ceilingOf(limits: Limits): Ceiling {
  const { min, max, memory, connections } = limits
  const byMemory = fitting(memory)
  const byConnections = connections === null ? Number.POSITIVE_INFINITY : fitting(connections)
  const allowed = Math.min(max, byMemory, byConnections)
  if (allowed >= max) return { workers: max, cut: null }
  const [all, one] = [mebibytes(memory.all), mebibytes(memory.perWorker)]
  const why =
    byMemory <= byConnections
      ? `memory for ${allowed}: ${all} MB in all, ${one} MB each (FEEDCTL_WORKERS_MEMORY_MB)`
      : `database connections for ${allowed}: ${connections?.all} in all, ${connections?.perWorker} each (FEEDCTL_DB_CONNECTIONS, FEEDCTL_DB_POOL)`
  return { workers: Math.max(min, allowed), cut: allowed < min ? `${why}, below --min ${min}, which is kept` : why }
}

function fitting(budget: Budget): number {
  return Math.floor(budget.all / Math.max(1, budget.perWorker))
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / MEBIBYTE)
}
