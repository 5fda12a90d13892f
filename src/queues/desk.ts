import type { Board } from './board.js'
import type { JobPayload } from './driver.js'
import type { QueueName } from './names.js'

export interface QueueCounts {
  readonly name: QueueName
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  /** Those in quarantine included, also when the queue has given them up. */
  readonly failed: number
  /** Nobody takes jobs from it until it is resumed. */
  readonly paused: boolean
  /** How long the job that waits longest has waited, ms; 0 when none waits. */
  readonly oldestWaitMs: number
}

/** A job that failed for good, or is in quarantine. Times are epoch ms. */
export interface FailedJob {
  readonly queue: QueueName
  readonly id: string
  readonly name: string
  readonly payload: JobPayload
  /** Null for a job that is no tenant's. */
  readonly tenantId: number | null
  /** `CODE: words`. */
  readonly reason: string
  /** The same for failures of one kind: of the reason without its numbers, names and addresses. */
  readonly fingerprint: string
  readonly attempts: number
  readonly failedAt: number
  /** In quarantine: it is not added again until it is retried or forgotten. */
  readonly quarantined: boolean
  /** What happened to it, oldest first: which worker died of it, when and how. Empty for a job that just failed. */
  readonly history: readonly string[]
}

/** `already-queued`: its like waits already. `left-out`: it is not there any more, or another job of its like is in quarantine. */
export type RetryEnd = 'retried' | 'already-queued' | 'left-out'

export type CanaryAnswer =
  /** Taken by a worker after so many ms. */
  | { readonly kind: 'answered'; readonly afterMs: number }
  /** Nobody took it in time. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'paused' }

/** Whether somebody consumes a queue. */
export interface QueueHealth {
  readonly queue: QueueName
  readonly consuming: boolean
  /** How long it took until a worker had taken the canary, ms; null when none did. */
  readonly afterMs: number | null
  readonly why: string
}

/** The queues as an operator handles them. @throws {Failure} UNAVAILABLE from every call */
export interface QueueDesk {
  /** One per queue, in their order. Takes as long for a million jobs as for one. */
  counts(): Promise<QueueCounts[]>
  /** Newest first, over all the queues, without holding them all in memory. */
  failed(): AsyncIterable<FailedJob>
  /** The failed or quarantined job with this id; null when there is none. */
  find(id: string): Promise<FailedJob | null>
  /** Puts it back to the end of its queue, with its name and payload, and lifts its quarantine. One that is left out stays as it is. */
  retry(job: FailedJob): Promise<RetryEnd>
  /** Removes it, and lifts its quarantine. False when it is not there any more. */
  forget(job: FailedJob): Promise<boolean>
  pause(queue: QueueName): Promise<void>
  resume(queue: QueueName): Promise<void>
  /** Removes the jobs that wait (those that run go on), of one tenant or all; answers how many there were. */
  drain(queue: QueueName, tenantId: number | null): Promise<number>
  /** Removes the jobs of these tenants from all queues, failed and quarantined ones too; those that run go on. Answers how many each had. */
  removeTenants(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, number>>
  /** Numbers of tenants that have jobs which wait or have failed, a page at a time, without holding them all in memory; one may be told of again and again. */
  tenants(): AsyncIterable<readonly number[]>
  /** Puts a job that does nothing in front of the queue and waits until a worker has taken it. */
  canary(queue: QueueName, withinMs: number, signal: AbortSignal): Promise<CanaryAnswer>
  /** What a canary and the workers' cards on the board say together; at once where no worker is, or the queue is paused. */
  health(queue: QueueName, board: Board, withinMs: number, signal: AbortSignal): Promise<QueueHealth>
  close(): Promise<void>
}
