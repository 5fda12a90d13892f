import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import type { EventLog } from './log/driver.js'

/** What counting needs. */
export interface CountingParts {
  readonly catalog: Catalog
  readonly log: Log
  readonly events: EventLog
  /** Days that single events are kept; 0 keeps none. */
  readonly rawDays: number
}

export interface CountReport {
  readonly batches: number
  /** Batches that had been counted before, and were left out. */
  readonly repeated: number
  /** Batches of tenants that are gone. */
  readonly orphaned: number
  readonly events: number
}

/**
 * Counts what waits in the log, until nothing does or the signal aborts. Several may do it at once.
 * @throws {Failure} UNAVAILABLE: what was counted is counted, the rest waits
 */
export async function countEvents(_parts: CountingParts, _signal: AbortSignal): Promise<CountReport> {
  throw new Error('not yet')
}
