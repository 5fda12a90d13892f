import pLimit from 'p-limit'
import { sleep } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'
import { randomToken } from '../kernel/hash.js'
import type { Log } from '../kernel/log.js'
import { backoffMs } from '../kernel/retry.js'
import { BACKOFF } from './backoff.js'
import type { JobHandler, JobRequest, Queue, WorkOptions } from './driver.js'

/** Runs jobs in this process as they are added, a few at a time, with the same retries as the redis driver. */
export class InlineQueue implements Queue {
  readonly name = 'sync'
  private readonly limit: ReturnType<typeof pLimit>
  private readonly waiting = new Set<string>()
  private readonly jobs = new Set<Promise<void>>()
  private readonly stop = new AbortController()
  private drain: NodeJS.Timeout | undefined
  private readonly onStop = () => {
    const late = () => this.stop.abort(new Failure('INTERRUPTED', 'the drain deadline is over'))
    this.drain = setTimeout(late, this.options.drainMs).unref()
  }

  /** `signal`: no job is started after it aborts; those under way go on for `drainMs`, then they are told to hand back. */
  constructor(private readonly options: WorkOptions & { handler: JobHandler; log: Log; signal: AbortSignal; drainMs: number }) {
    this.limit = pLimit(options.concurrency)
    options.signal.addEventListener('abort', this.onStop, { once: true })
  }

  async add(jobs: readonly JobRequest[]): Promise<{ added: number; existing: number }> {
    let added = 0
    for (const job of jobs) {
      if (this.waiting.has(job.dedupeId)) continue
      added++
      this.waiting.add(job.dedupeId)
      const done = this.limit(() => this.run(job)).finally(() => this.jobs.delete(done))
      this.jobs.add(done)
    }
    return { added, existing: jobs.length - added }
  }

  async consumers(): Promise<number> {
    return 1
  }

  async settled(): Promise<void> {
    while (this.jobs.size > 0) await Promise.all(this.jobs)
  }

  async close(): Promise<void> {
    clearTimeout(this.drain)
    this.options.signal.removeEventListener('abort', this.onStop)
    this.stop.abort(new Failure('INTERRUPTED', 'the queue is closed'))
    await Promise.allSettled(this.jobs)
  }

  private async run(job: JobRequest): Promise<void> {
    this.waiting.delete(job.dedupeId)
    for (let attempt = 1; ; attempt++) {
      if (this.options.signal.aborted || this.stop.signal.aborted) return
      const last = attempt >= this.options.tries
      try {
        return await this.options.handler(job.name, job.payload, {
          token: randomToken(),
          attempt,
          last,
          signal: this.stop.signal,
        })
      } catch (error) {
        if (this.stop.signal.aborted) return
        this.options.log[last ? 'error' : 'warn'](`${job.name} failed`, { job: job.dedupeId, attempt, why: String(error) })
        if (last || (error instanceof Failure && !error.retry)) return
        await sleep(backoffMs(attempt, BACKOFF, Math.random()), this.options.signal).catch(() => {})
      }
    }
  }
}
