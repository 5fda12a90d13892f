import { setMaxListeners } from 'node:events'
import pLimit from 'p-limit'
import { sleep } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'
import { randomToken } from '../kernel/hash.js'
import type { Log } from '../kernel/log.js'
import { backoffMs } from '../kernel/retry.js'
import { GRACE_MS, runAttempt } from './attempt.js'
import { BACKOFF } from './backoff.js'
import type { AddedJobs, JobBurial, JobHandler, JobRequest, Queue, WorkOptions } from './driver.js'
import type { QueueName } from './names.js'

export interface InlineQueueOptions extends WorkOptions {
  readonly handler: JobHandler
  readonly bury: JobBurial
  readonly log: Log
  /** No job is started after it aborts; those under way go on for `drainMs`, then they are told to hand back. */
  readonly signal: AbortSignal
  readonly drainMs: number
  /** How long a job that was told to stop may take for it. */
  readonly graceMs?: number
}

/** Runs jobs in this process as they are added, a few of each queue at a time, with the same retries and the same deadline as the redis driver. */
export class InlineQueue implements Queue {
  readonly name = 'sync'
  private readonly slots = new Map<QueueName, ReturnType<typeof pLimit>>()
  private readonly waiting = new Set<string>()
  private readonly jobs = new Map<Promise<void>, QueueName>()
  /** The queue of each job that has failed. */
  private failed: QueueName[] = []
  private readonly stop = new AbortController()
  private drain: NodeJS.Timeout | undefined
  private readonly onStop = () => {
    const late = () => this.stop.abort(new Failure('INTERRUPTED', 'the drain deadline is over'))
    this.drain = setTimeout(late, this.options.drainMs).unref()
  }

  constructor(private readonly options: InlineQueueOptions) {
    // As many as there are jobs.
    setMaxListeners(0, this.stop.signal)
    options.signal.addEventListener('abort', this.onStop, { once: true })
  }

  async add(jobs: readonly JobRequest[]): Promise<AddedJobs> {
    let added = 0
    for (const job of jobs) {
      const id = idOf(job)
      if (this.waiting.has(id)) continue
      added++
      this.waiting.add(id)
      const done = this.begin(job).finally(() => this.jobs.delete(done))
      this.jobs.set(done, job.queue)
    }
    return { added, existing: jobs.length - added, quarantined: [] }
  }

  async consumers(): Promise<number> {
    return 1
  }

  async settled(queue?: QueueName): Promise<{ failed: number }> {
    const isMeant = (name: QueueName) => queue === undefined || name === queue
    for (let jobs = this.jobsOf(isMeant); jobs.length > 0; jobs = this.jobsOf(isMeant)) await Promise.all(jobs)
    const failed = this.failed.filter(isMeant).length
    this.failed = this.failed.filter(name => !isMeant(name))
    return { failed }
  }

  async close(): Promise<void> {
    clearTimeout(this.drain)
    this.options.signal.removeEventListener('abort', this.onStop)
    this.stop.abort(new Failure('INTERRUPTED', 'the queue is closed'))
    await Promise.allSettled(this.jobs.keys())
  }

  private jobsOf(isMeant: (queue: QueueName) => boolean): Promise<void>[] {
    return [...this.jobs].filter(([, queue]) => isMeant(queue)).map(([job]) => job)
  }

  private slotsOf(queue: QueueName): ReturnType<typeof pLimit> {
    const known = this.slots.get(queue)
    if (known !== undefined) return known
    const slots = pLimit(this.options.concurrency)
    this.slots.set(queue, slots)
    return slots
  }

  /** One whose time comes when no job is started any more takes its turn all the same, and is dropped by it. */
  private async begin(job: JobRequest): Promise<void> {
    if (job.delayMs !== undefined) await this.pause(job.delayMs)
    await this.slotsOf(job.queue)(() => this.run(job))
  }

  private async run(job: JobRequest): Promise<void> {
    this.waiting.delete(idOf(job))
    for (let attempt = 1; ; attempt++) {
      if (this.options.signal.aborted || this.stop.signal.aborted) return
      const isOver = await this.attempt(job, attempt)
      if (isOver) return
      await this.pause(backoffMs(attempt, BACKOFF, Math.random()))
    }
  }

  /** Whether no attempt follows. */
  private async attempt(job: JobRequest, attempt: number): Promise<boolean> {
    const { handler, log, tries, timeoutMs, graceMs = GRACE_MS } = this.options
    const last = attempt >= tries
    const limits = { timeoutMs, graceMs, handBack: this.stop.signal, handBackGraceMs: graceMs }
    const end = await runAttempt(
      signal => handler(job.name, job.payload, { token: randomToken(), attempt, last, signal }),
      limits,
    )
    if (end.kind !== 'failed') return true
    const { error, heeded } = end
    const facts = { job: job.dedupeId, attempt, why: String(error) }
    log[last || !heeded ? 'error' : 'warn'](`${job.name} ${heeded ? 'failed' : 'does not stop at its deadline'}`, facts)
    const isOver = last || (error instanceof Failure && !error.retry)
    if (isOver) this.failed.push(job.queue)
    if (isOver && !heeded && error instanceof Failure) await this.bury(job, error)
    return isOver
  }

  /** Ends early when no job is started any more. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, AbortSignal.any([this.options.signal, this.stop.signal])).catch(() => {})
  }

  private async bury(job: JobRequest, failure: Failure): Promise<void> {
    await this.options.bury(job.name, job.payload, failure).catch(error => {
      this.options.log.error(`the outcome of ${job.name} could not be written`, { job: job.dedupeId, why: String(error) })
    })
  }
}

function idOf(job: JobRequest): string {
  return `${job.queue} ${job.dedupeId}`
}
