import { Queue as BullQueue, Worker as BullWorker, DelayedError, type Job, UnrecoverableError } from 'bullmq'
import type { Redis } from 'ioredis'
import { sleep } from '../kernel/clock.js'
import { connectionWords } from '../kernel/connection-words.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import { randomToken } from '../kernel/hash.js'
import type { Log } from '../kernel/log.js'
import { backoffMs } from '../kernel/retry.js'
import { BACKOFF } from './backoff.js'
import type { JobHandler, JobPayload, JobRequest, Queue, Worker, WorkerEnd, WorkOptions } from './driver.js'

const JOBS_PER_CALL = 1_000
/** Far above any `--tries`: the worker decides when a job has failed for good. */
const ATTEMPTS = 1_000
const KEEP_FAILED = { age: 14 * 24 * 3600, count: 10_000 }
/** A worker that is not heard of for this long has died; its jobs are taken over. */
const LOCK_MS = 15_000
const STALLED_CHECK_MS = 5_000
const STALLS_ALLOWED = 5
const HAND_BACK_MS = 3_000
const SAY_AGAIN_MS = 30_000

/** Redis under BullMQ: key prefix with a hash tag, so that a cluster keeps each queue on one node. */
export interface RedisQueueOptions {
  /** Opens a connection; `worker` ones wait for Redis without end, others give up after seconds. */
  readonly connect: (purpose: 'worker' | 'producer') => Redis
  readonly prefix: string
  readonly queue: string
  readonly log: Log
}

export class RedisQueue implements Queue {
  readonly name = 'redis'
  private readonly connection: Redis
  private readonly queue: BullQueue<JobPayload>
  private readonly why: (error: unknown) => string

  constructor(options: RedisQueueOptions) {
    this.connection = options.connect('producer')
    this.why = connectionWords(this.connection)
    this.queue = new BullQueue(options.queue, {
      connection: this.connection,
      prefix: `{${options.prefix}}`,
      skipMetasUpdate: true,
    })
    // Errors reach the caller through the calls that meet them.
    this.queue.on('error', error => options.log.debug('queue connection', { why: wordsOf(error) }))
  }

  add(jobs: readonly JobRequest[]): Promise<{ added: number; existing: number }> {
    return this.ask(async () => {
      let added = 0
      for (let start = 0; start < jobs.length; start += JOBS_PER_CALL) {
        const chunk = jobs.slice(start, start + JOBS_PER_CALL).map(job => bullJob(job))
        const made = await this.queue.addBulk(chunk)
        added += made.filter((job, index) => job.id === chunk[index]?.opts.jobId).length
      }
      return { added, existing: jobs.length - added }
    })
  }

  consumers(): Promise<number> {
    return this.ask(() => this.queue.getWorkersCount())
  }

  /** Others run the jobs: there is nothing of this process's own to wait for. */
  settled(): Promise<void> {
    return new Promise(() => {})
  }

  async close(): Promise<void> {
    this.connection.disconnect()
    await this.queue.close().catch(() => {})
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      // BullMQ waits for the first connection without end; a command of our own gives up.
      await this.connection.ping()
      return await deed()
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the queue does not answer: ${this.why(error)}`, {
        cause: error,
        hint: 'check REDIS_URL and that Redis runs',
      })
    }
  }
}

function bullJob(job: JobRequest) {
  return {
    name: job.name,
    data: job.payload,
    opts: {
      jobId: randomToken(),
      attempts: ATTEMPTS,
      backoff: { type: 'custom' },
      removeOnComplete: true,
      removeOnFail: KEEP_FAILED,
      deduplication: { id: job.dedupeId, keepLastIfActive: true },
    },
  }
}

/** Starts consuming. `maxJobs`: ends by itself after that many, null never. */
export function startRedisWorker(
  options: RedisQueueOptions & WorkOptions & { handler: JobHandler; maxJobs: number | null },
): Worker {
  return new RedisWorker(options)
}

class RedisWorker implements Worker {
  readonly ended: Promise<void>
  private readonly connection: Redis
  private readonly worker: BullWorker<JobPayload>
  private readonly handBack = new AbortController()
  private readonly counts = { finished: 0, failed: 0, handedBack: 0 }
  private end: () => void = () => {}
  private readonly running = new Set<Promise<void>>()
  private said = { why: '', at: 0 }

  constructor(private readonly options: RedisQueueOptions & WorkOptions & { handler: JobHandler; maxJobs: number | null }) {
    this.ended = new Promise(resolve => {
      this.end = resolve
    })
    this.connection = options.connect('worker')
    this.worker = new BullWorker<JobPayload>(options.queue, (job, token) => this.track(this.run(job, token ?? '')), {
      connection: this.connection,
      prefix: `{${options.prefix}}`,
      concurrency: options.concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: STALLS_ALLOWED,
      settings: { backoffStrategy: attempts => backoffMs(attempts, BACKOFF, Math.random()) },
    })
    this.worker.on('error', error => this.sayOnce(wordsOf(error)))
    this.worker.on('stalled', id => options.log.warn('a job whose worker died is run again', { job: id }))
  }

  async stop(deadlineMs: number): Promise<WorkerEnd> {
    const deadline = setTimeout(() => this.handBack.abort(new Failure('INTERRUPTED', 'the drain deadline is over')), deadlineMs)
    const patience = new AbortController()
    const drained = this.drain().catch(() => {})
    await Promise.race([drained, sleep(deadlineMs + HAND_BACK_MS, patience.signal).catch(() => {})])
    // A timer that is left would keep the process from ending.
    patience.abort()
    clearTimeout(deadline)
    this.connection.disconnect()
    void this.worker.close(true).catch(() => {})
    return this.counts
  }

  /** Without Redis BullMQ would never close; jobs that could not be given back are taken over when their lock is up. */
  private async drain(): Promise<void> {
    if (this.connection.status === 'ready') return this.worker.close()
    await this.worker.pause(true)
    await Promise.allSettled(this.running)
  }

  /** While Redis is away the same error comes many times a second. */
  private sayOnce(why: string): void {
    const now = Date.now()
    if (why === this.said.why && now - this.said.at < SAY_AGAIN_MS) return
    this.said = { why, at: now }
    this.options.log.warn('the worker waits for its queue', { why })
  }

  private track(run: Promise<void>): Promise<void> {
    const tracked = run.finally(() => this.running.delete(tracked))
    this.running.add(tracked)
    return tracked
  }

  private async run(job: Job<JobPayload>, token: string): Promise<void> {
    const attempt = job.attemptsMade + 1
    const last = attempt >= this.options.tries
    try {
      await this.options.handler(job.name, job.data, { token: randomToken(), attempt, last, signal: this.handBack.signal })
      this.counts.finished++
    } catch (error) {
      if (this.handBack.signal.aborted) {
        this.counts.handedBack++
        await job.moveToDelayed(Date.now(), token)
        throw new DelayedError()
      }
      this.options.log[last ? 'error' : 'warn'](`${job.name} failed`, { job: job.id ?? '', attempt, why: String(error) })
      if (!last && !(error instanceof Failure && !error.retry)) throw error
      this.counts.failed++
      throw new UnrecoverableError(error instanceof Failure ? `${error.code}: ${error.message}` : wordsOf(error))
    } finally {
      if (this.counts.finished + this.counts.failed >= (this.options.maxJobs ?? Number.POSITIVE_INFINITY)) this.end()
    }
  }
}
