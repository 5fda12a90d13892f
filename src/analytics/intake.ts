import type { Config } from '../kernel/config.js'
import type { TenantId } from '../tenants/ids.js'
import type { EventLog } from './log/driver.js'

/** Why one event of a batch was not taken; `index` is its place, from 0. */
export interface RefusedEvent {
  readonly index: number
  readonly message: string
}

export interface AcceptedBatch {
  /** The caller's, or a new one. */
  readonly batchId: string
  readonly accepted: number
  /** Of all refused events the first hundred are named. */
  readonly refused: number
  readonly refusals: readonly RefusedEvent[]
}

/** What intake needs. */
export interface IntakeParts {
  readonly events: EventLog
  readonly config: Config
  /** Told when something was accepted: a BatchAnalytics job is to be there soon. */
  readonly wake: () => void
}

/** Takes events in: what it has accepted will be counted, once. */
export interface EventIntake {
  /**
   * Up to 1,000 events of one tenant, as they came out of JSON; good ones are kept, bad ones named. `batchId`: null for a new one.
   * @throws {Failure} EVENTS_INVALID when there are none, too many, or none is good, or the id is no id; EVENTS_BEHIND, UNAVAILABLE, DISK_FULL, REDIS_FULL
   */
  accept(tenantId: TenantId, batchId: string | null, events: readonly unknown[]): Promise<AcceptedBatch>
}

export function openIntake(_parts: IntakeParts): EventIntake {
  throw new Error('not yet')
}
