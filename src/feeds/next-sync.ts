import type { FailureCode } from '../kernel/errors.js'
import { LONGEST_WAIT_MS } from './schedule.js'

const MINUTE_MS = 60_000
const AFTER_FAILURE_MS = 5 * MINUTE_MS
/** While the network here is out, its tenants are not looked at every minute. */
const AFTER_OUTAGE_MS = 5 * MINUTE_MS
/** An operator has to see to it first. */
const AFTER_QUARANTINE_MS = 60 * MINUTE_MS
/** Also what has nothing to ask is looked at now and then: somebody may have brought a retired source of it back. */
const NEVER_MS = 7 * 24 * 60 * MINUTE_MS

/** How a sync of a tenant came to its end. */
export interface SyncEnd {
  readonly state: 'ok' | 'failed' | 'skipped'
  /** Why it failed as a whole; null when it did not. */
  readonly code: FailureCode | null
  /** When the first of its sources is due, epoch ms; null when none will ever be. */
  readonly dueAt: number | null
  /** Feeds that were not asked because publishers could not be reached from here. */
  readonly outageFeeds: number
}

/** When the tenant is to be synced next, epoch ms; null when it is due as soon as it may be synced (again). */
export function nextSyncAt(end: SyncEnd, now: number): number | null {
  if (end.state === 'skipped') return null
  if (end.state === 'failed') return now + (end.code === 'JOB_QUARANTINED' ? AFTER_QUARANTINE_MS : AFTER_FAILURE_MS)
  const dueAt = Math.min(end.dueAt ?? now + NEVER_MS, now + LONGEST_WAIT_MS)
  return end.outageFeeds > 0 ? Math.max(dueAt, now + AFTER_OUTAGE_MS) : dueAt
}
