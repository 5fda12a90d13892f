import { Queue as BullQueue } from 'bullmq'
import { chunksOf } from '../kernel/chunks.js'
import { connectionWords } from '../kernel/connection-words.js'
import { wordsOf } from '../kernel/errors.js'
import { randomToken } from '../kernel/hash.js'
import type { Log } from '../kernel/log.js'
import type { RedisConnection } from '../redis/connection.js'
import type { AddedJobs, JobPayload, JobRequest, Queue } from './driver.js'
import { QUEUES, type QueueName } from './names.js'
import { Quarantine } from './quarantine.js'
import { redisFailure } from './redis-failure.js'

const JOBS_PER_CALL = 1_000
/** Far above any `--tries`: the worker decides when a job has failed for good. */
const ATTEMPTS = 1_000
const KEEP_FAILED = { age: 14 * 24 * 3600, count: 10_000 }

/** Redis under BullMQ: key prefix with a hash tag, so that a cluster keeps each queue on one node. */
export interface RedisQueueOptions {
  /** Opens a connection; `worker` ones wait for Redis without end, others give up after seconds. */
  readonly connect: (purpose: 'worker' | 'producer') => RedisConnection
  readonly prefix: string
  readonly log: Log
}

/** All the queues of an installation, over one connection. */
export class RedisQueue implements Queue {
  readonly name = 'redis'
  private readonly connection: RedisConnection
  private readonly quarantine: Quarantine
  private readonly opened = new Map<QueueName, BullQueue<JobPayload>>()
  private readonly why: (error: unknown) => string

  constructor(private readonly options: RedisQueueOptions) {
    this.connection = options.connect('producer')
    this.quarantine = new Quarantine(this.connection, options.prefix)
    this.why = connectionWords(this.connection)
  }

  add(jobs: readonly JobRequest[]): Promise<AddedJobs> {
    return this.ask(async noneIsHeld => {
      let added = 0
      const quarantined: string[] = []
      for (const queue of QUEUES) {
        const own = jobs.filter(job => job.queue === queue)
        for (const page of chunksOf(own, JOBS_PER_CALL)) {
          const held = noneIsHeld
            ? new Set()
            : await this.quarantine.among(
                queue,
                page.map(job => job.dedupeId),
              )
          quarantined.push(...page.map(job => job.dedupeId).filter(id => held.has(id)))
          added += await this.addPage(
            queue,
            page.filter(job => !held.has(job.dedupeId)),
          )
        }
      }
      return { added, existing: jobs.length - added - quarantined.length, quarantined }
    })
  }

  consumers(queue: QueueName): Promise<number> {
    return this.ask(() => this.queue(queue).getWorkersCount())
  }

  /** Others run the jobs: there is nothing of this process's own to wait for. */
  settled(): Promise<never> {
    return new Promise(() => {})
  }

  async close(): Promise<void> {
    this.connection.disconnect()
    await Promise.allSettled([...this.opened.values()].map(queue => queue.close()))
  }

  private async addPage(queue: QueueName, page: readonly JobRequest[]): Promise<number> {
    if (page.length === 0) return 0
    const jobs = page.map(bullJob)
    const made = await this.queue(queue).addBulk(jobs)
    // The id of one that was left out is that of the job that is there already.
    return made.filter((job, index) => job.id === jobs[index]?.opts.jobId).length
  }

  private queue(name: QueueName): BullQueue<JobPayload> {
    const known = this.opened.get(name)
    if (known !== undefined) return known
    const queue = new BullQueue<JobPayload>(name, {
      connection: this.connection,
      prefix: `{${this.options.prefix}}`,
      skipMetasUpdate: true,
    })
    // Errors reach the caller through the calls that meet them.
    queue.on('error', error => this.options.log.debug('queue connection', { why: wordsOf(error) }))
    this.opened.set(name, queue)
    return queue
  }

  private async ask<T>(deed: (noneIsHeld: boolean) => Promise<T>): Promise<T> {
    try {
      // BullMQ waits for the first connection without end; a command of our own gives up.
      return await deed(await this.quarantine.isEmpty())
    } catch (error) {
      throw redisFailure('the queue', this.why(error), error)
    }
  }
}

/** The job as BullMQ is given it. */
export function bullJob(job: JobRequest) {
  return {
    name: job.name,
    data: job.payload,
    opts: {
      jobId: randomToken(),
      attempts: ATTEMPTS,
      backoff: { type: 'custom' },
      removeOnComplete: true,
      removeOnFail: KEEP_FAILED,
      ...(job.delayMs === undefined ? {} : { delay: job.delayMs }),
      deduplication: { id: job.dedupeId, keepLastIfActive: true },
    },
  }
}
