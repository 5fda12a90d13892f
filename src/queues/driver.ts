/** What a job is given besides its payload. */
export interface JobContext {
  /** Unique to this attempt. */
  readonly token: string
  readonly attempt: number
  /** No attempt follows a failure of this one. */
  readonly last: boolean
  /** Aborted when the job must be handed back: it stops with the signal's reason, and is run again later. */
  readonly signal: AbortSignal
}

/** Ids, never data: a job is run from what the databases say when it runs. */
export type JobPayload = Readonly<Record<string, number | string>>

export interface JobRequest {
  readonly name: string
  readonly payload: JobPayload
  /** While a job with this id waits, another is not added; while one runs, one more may wait. */
  readonly dedupeId: string
}

/** Runs one job. A thrown Failure that is not worth retrying ends the job; anything else is retried. A job may run twice. */
export type JobHandler = (name: string, payload: JobPayload, context: JobContext) => Promise<void>

export interface WorkOptions {
  readonly concurrency: number
  /** Attempts before a job is `failed`. */
  readonly tries: number
}

export interface Queue {
  readonly name: 'sync' | 'redis'
  /** Adds jobs in bulk. @throws {Failure} UNAVAILABLE; some may have been added: adding them again is harmless */
  add(jobs: readonly JobRequest[]): Promise<{ added: number; existing: number }>
  /** Consumers alive now. */
  consumers(): Promise<number>
  /** Resolves when the jobs run by this very process are done; never, where others run them. */
  settled(): Promise<void>
  /** Does not wait for jobs: what is unfinished is handed back. */
  close(): Promise<void>
}

export interface WorkerEnd {
  readonly finished: number
  readonly failed: number
  /** Jobs that were interrupted and given back to the queue. */
  readonly handedBack: number
}

/** A consumer of a queue in this process. */
export interface Worker {
  /** Takes no new job, waits for those under way up to the deadline, then hands the rest back. */
  stop(deadlineMs: number): Promise<WorkerEnd>
  /** Resolves when it stopped by itself: `maxJobs` are done. */
  readonly ended: Promise<void>
}
