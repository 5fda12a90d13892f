import type { Config } from '../kernel/config.js'
import { Failure } from '../kernel/errors.js'
import { randomToken } from '../kernel/hash.js'
import type { TenantId } from '../tenants/ids.js'
import { Gathering } from './event.js'
import type { EventLog } from './log/driver.js'

export const MOST_EVENTS_PER_BATCH = 1_000
/** Of all refused events so many are named. */
export const MOST_NAMED = 100
const BATCH_ID = /^[A-Za-z0-9._:-]{1,64}$/

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
  readonly config: Pick<Config, 'analyticsRawDays'>
  /** Told when something was accepted: a BatchAnalytics job is to be there soon. */
  readonly wake: () => void
}

/** Takes events in: what it has accepted will be counted, once. */
export interface EventIntake {
  /**
   * Up to 1,000 events of one tenant, as they came out of JSON, Unreadable ones among them; good ones are kept, bad ones named. `batchId`: null for a new one.
   * @throws {Failure} EVENTS_INVALID when there are none, too many, or none is good, or the id is no id; EVENTS_BEHIND, UNAVAILABLE, DISK_FULL, REDIS_FULL
   */
  accept(tenantId: TenantId, batchId: string | null, events: readonly unknown[]): Promise<AcceptedBatch>
}

export function openIntake({ events: log, config, wake }: IntakeParts): EventIntake {
  const keepsExtras = config.analyticsRawDays > 0
  return {
    async accept(tenantId, batchId, events) {
      const id = batchId === null ? randomToken() : checkedId(batchId)
      refuseCount(events.length)
      const now = Date.now()
      const gathering = new Gathering({ tenantId, size: events.length, keepsExtras })
      const refusals = gatherInto(gathering, events, now)
      if (gathering.length === 0) throw noneGood(events.length, refusals)
      await log.append({ tenantId, id, acceptedAt: now, events: gathering.columns() })
      wake()
      return { batchId: id, accepted: gathering.length, refused: events.length - gathering.length, refusals }
    },
  }
}

function gatherInto(gathering: Gathering, events: readonly unknown[], now: number): RefusedEvent[] {
  const refusals: RefusedEvent[] = []
  for (let index = 0; index < events.length; index++) {
    const message = gathering.add(events[index], now)
    if (message !== null && refusals.length < MOST_NAMED) refusals.push({ index, message })
  }
  return refusals
}

function checkedId(id: string): string {
  if (BATCH_ID.test(id)) return id
  throw invalid('the batch id is not 1 to 64 of A-Z a-z 0-9 . _ : -')
}

function refuseCount(count: number): void {
  if (count === 0) throw invalid('there are no events')
  if (count > MOST_EVENTS_PER_BATCH)
    throw invalid(`${count} events are more than the ${MOST_EVENTS_PER_BATCH} that a batch may have`)
}

function noneGood(count: number, refusals: readonly RefusedEvent[]): Failure {
  const [first] = refusals
  return invalid(`none of ${count} events is good: ${first === undefined ? '' : `event ${first.index}: ${first.message}`}`)
}

function invalid(message: string): Failure {
  return new Failure('EVENTS_INVALID', message)
}
