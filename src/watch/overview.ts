import type { QueueCounts, SupervisorCard, WorkerCard } from '../queues/index.js'
import type { TenantState } from '../tenants/databases/index.js'
import type { TenantSlug } from '../tenants/ids.js'

/** One queue as it stands, over all the workers. */
export interface QueueStanding extends QueueCounts {
  /** Jobs finished or failed per second over the last minute. */
  readonly processedPerS: number
  /** Worker processes that consume it, or would if they were not paused. Those that drain do not count. */
  readonly workers: number
  /** Of the jobs of the last five minutes. */
  readonly recent: { readonly finished: number; readonly failed: number }
  /** Mean time of a job since the workers began, ms; null before the first. */
  readonly meanJobMs: number | null
}

/** The newest run that has not ended, or the last one. Times are epoch ms. */
export interface RunStanding {
  readonly runId: string
  readonly startedAt: number
  /** Null while it runs. Of a run that nobody has gone on with for an hour, when something last happened to it. */
  readonly finishedAt: number | null
  readonly scheduled: boolean
  readonly total: number
  readonly running: number
  readonly ended: number
  readonly failed: number
}

export interface TenantStanding {
  readonly id: number
  readonly slug: TenantSlug
  readonly syncedAt: number | null
  readonly syncMs: number | null
  /** Syncs in a row that failed as a whole, or reached nobody. */
  readonly syncFailures: number
  /** Feeds that failed in the newest sync. */
  readonly feedsFailed: number
  readonly paused: boolean
}

/** Sources that were merged into others do not count. */
export interface SourceStanding {
  /** Epoch ms: it is up to half a minute old. */
  readonly readAt: number
  readonly total: number
  /** The newest check of them failed. Retired ones do not count. */
  readonly failing: number
  /** Due then, those that nobody subscribes to any more included. Retired ones do not count. */
  readonly due: number
  readonly retired: number
  /** The failing ones by why, the most frequent first. */
  readonly failures: readonly { readonly code: string; readonly sources: number }[]
}

export interface TenantStandings {
  /** Epoch ms: it is up to two seconds old. */
  readonly readAt: number
  readonly states: Readonly<Record<TenantState, number>>
  /** Those that are paused included. */
  readonly active: number
  /** Of the active ones. */
  readonly paused: number
  /** Of the active ones, those whose newest sync failed, as a whole or for some of the feeds, or reached nobody. */
  readonly failing: number
  /** Of the active ones, those whose newest sync failed as a whole, or reached nobody. */
  readonly failed: number
  /** When a sync of any of them last succeeded, as far as is known; null before the first. */
  readonly syncedAt: number | null
  /** When the oldest of the active ones was created; null without any. */
  readonly oldestAt: number | null
  /** When the one of these that has failed for the shortest time began to, at the latest; null without any. */
  readonly failingSince: number | null
  /**
   * When the first of the active ones that are not paused is, or was, due; 0 when nobody knows of one, null without any. Those whose syncs
   * fail are due all the time: where they are most, it is 0; where they are few, only the others count.
   */
  readonly dueAt: number | null
  /** At most ten, the slowest first. */
  readonly slowest: readonly TenantStanding[]
  /** At most ten, by failures in a row, then by feeds that fail. Empty when none fails. */
  readonly mostFailing: readonly TenantStanding[]
}

/** An alert that stands. */
export interface StandingAlert {
  readonly name: string
  readonly message: string
  readonly since: number
}

/** Everything an operator looks at, at one moment. */
export interface Overview {
  /** Epoch ms. */
  readonly at: number
  /** `sync`: jobs run in the process that adds them, and the queues are read from the rows of the runs. */
  readonly driver: 'sync' | 'redis'
  readonly queues: readonly QueueStanding[]
  readonly workers: readonly WorkerCard[]
  readonly supervisors: readonly SupervisorCard[]
  /** Null before the first run. */
  readonly run: RunStanding | null
  readonly tenants: TenantStandings
  readonly sources: SourceStanding
  readonly alerts: readonly StandingAlert[]
}

/** The part of an overview that is read fast, however many tenants and sources there are. */
export type QueueOverview = Pick<Overview, 'at' | 'driver' | 'queues' | 'workers' | 'supervisors' | 'run' | 'alerts'>
