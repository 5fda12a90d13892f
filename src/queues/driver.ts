import type { Failure } from '../kernel/errors.js'
import type { QueueName } from './names.js'

/** What a job is given besides its payload. */
export interface JobContext {
  /** Unique to this attempt. */
  readonly token: string
  readonly attempt: number
  /** No attempt follows a failure of this one. */
  readonly last: boolean
  /**
   * Aborted with an INTERRUPTED failure when the job must be handed back (it stops, and is run again later), and with a JOB_TIMEOUT one
   * when its deadline is over (it stops, and the attempt has failed). The job rejects with the signal's reason.
   */
  readonly signal: AbortSignal
}

/** Ids, never data: a job is run from what the databases say when it runs. `tenantId` is the tenant's it is for. */
export type JobPayload = Readonly<Record<string, number | string>>

export interface JobRequest {
  readonly queue: QueueName
  readonly name: string
  readonly payload: JobPayload
  /** While a job with this id waits, another is not added; while one runs, one more may wait. Unique within the queue. */
  readonly dedupeId: string
  /** It is not begun sooner than this long after it was added, ms; at once when not given. It counts as waiting meanwhile. */
  readonly delayMs?: number
}

/** Runs one job. A thrown Failure that is not worth retrying ends the job; anything else is retried. A job may run twice. */
export type JobHandler = (name: string, payload: JobPayload, context: JobContext) => Promise<void>

/** Writes the outcome of a job that ends without its handler having had the last word: it killed its workers, or heeded no deadline. */
export type JobBurial = (name: string, payload: JobPayload, failure: Failure) => Promise<void>

export interface WorkOptions {
  /** Jobs of one queue that run at the same time. */
  readonly concurrency: number
  /** Attempts before a job is `failed`. */
  readonly tries: number
  /** Deadline of one attempt. */
  readonly timeoutMs: number
}

export interface AddedJobs {
  readonly added: number
  readonly existing: number
  /** Ids (`dedupeId`) of jobs that are in quarantine, and were not added. */
  readonly quarantined: readonly string[]
}

export interface Queue {
  readonly name: 'sync' | 'redis'
  /** Adds jobs in bulk. @throws {Failure} UNAVAILABLE, REDIS_FULL; some may have been added: adding them again is harmless */
  add(jobs: readonly JobRequest[]): Promise<AddedJobs>
  /** Consumers of the queue alive now. */
  consumers(queue: QueueName): Promise<number>
  /**
   * Resolves when the jobs run by this very process, or those of one queue, are done, with how many of them have failed since it told of them last; never, where
   * others run them.
   */
  settled(queue?: QueueName): Promise<{ readonly failed: number }>
  /** Does not wait for jobs: what is unfinished is handed back. */
  close(): Promise<void>
}

/** A job that was under way when its worker had to stop: it is run again. */
export interface InterruptedJob {
  readonly queue: QueueName
  readonly id: string
  readonly name: string
  /** Null for a job that is no tenant's. */
  readonly tenantId: number | null
}

export interface WorkerEnd {
  readonly finished: number
  readonly failed: number
  /** Interrupted jobs that their queue has back; it takes over the others when their lock has run out. */
  readonly handedBack: number
  /** Those that were handed back first. */
  readonly interrupted: readonly InterruptedJob[]
}

/** Why a worker ended by itself. */
export type WorkerLimit = 'max-jobs' | 'max-time' | 'memory'

/** A consumer of queues in this process. */
export interface Worker {
  /** For one that is told to end: takes no new job, waits for those under way up to the deadline, then hands the rest back. Of several deadlines the first counts. */
  stop(deadlineMs: number): Promise<WorkerEnd>
  /** For one that has reached a limit: takes no new job and hands none back, each may go on up to a deadline of its own. `stop` may still cut it short. */
  finish(): Promise<WorkerEnd>
  /** Takes no new job until `resume`; those under way go on. Calm when done twice. */
  pause(): void
  resume(): void
  /** Resolves when it should finish because one of its limits is reached. */
  readonly ended: Promise<WorkerLimit>
}
