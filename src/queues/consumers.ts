import { Worker as BullWorker, type IRedisClient } from 'bullmq'
import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { backoffMs } from '../kernel/retry.js'
import type { RedisConnection } from '../redis/connection.js'
import { BACKOFF } from './backoff.js'
import type { JobPayload } from './driver.js'
import type { TakenBullJob } from './job-run.js'
import type { QueueName } from './names.js'
import { isFull } from './redis-failure.js'
import type { StallQueue } from './stalls.js'
import { WorkerErrors } from './worker-errors.js'

/** The worker decides itself which job has killed too many. */
const STALLS_ALLOWED = Number.MAX_SAFE_INTEGER
/** A full Redis hands out no jobs: it is not asked again at once. */
const FULL_MS = 1_000
/** It is asked again and again: one that has not complained for so long is full no more. */
const FULL_FOR_MS = 10_000
/** After a command that failed for want of a connection. A worker that is told to stop waits for it too. */
const RETRY_MS = 1_000

/** Why no job is taken now. */
export type Hold = 'operator' | 'limit' | 'full'

export interface ConsumersOptions {
  readonly connection: RedisConnection
  readonly prefix: string
  /** The worker's name, in each of its jobs. */
  readonly name: string
  readonly queues: readonly QueueName[]
  readonly concurrency: number
  readonly lockMs: number
  readonly stallCheckMs: number
  readonly log: Log
  readonly run: (queue: QueueName, job: TakenBullJob, token: string) => Promise<void>
  /** Told whenever a queue was asked for a job, and has answered. */
  readonly looked: (queue: QueueName) => void
}

class Consumer extends BullWorker<JobPayload> {
  /** Called when there is a job, but this worker was paused while it waited for one. */
  wakeAnother: () => Promise<unknown> = async () => {}
  /** Called when Redis has answered whether there is a job. */
  looked: (isThere: boolean) => void = () => {}

  /** BullMQ would take that one still. */
  protected override async moveToActive(token: string, name?: string): Promise<TakenBullJob> {
    if (this.isPaused()) {
      await this.wakeAnother()
      return undefined as never
    }
    const job = await super.moveToActive(token, name)
    // Not as it is typed: there may be none.
    this.looked((job as TakenBullJob | undefined) !== undefined)
    return job
  }

  /** Ends what would keep the process from ending: of a worker that has begun to close, and lost Redis then, BullMQ ends nothing any more. */
  abandon(): void {
    void this.lockManager.close()
    void this.backend.blockingClient?.then(endForGood).catch(() => {})
  }
}

/** BullMQ may be about to bring a connection that broke back to life. */
function endForGood(client: IRedisClient): void {
  for (const event of ['connect', 'reconnecting']) client.on(event, () => client.disconnect())
  // One that has ended would keep the process for the two seconds that ioredis gives an end.
  if (client.status !== 'end') client.disconnect()
}

/** A BullMQ worker per queue, over one connection. */
export class Consumers {
  private readonly workers: ReadonlyMap<QueueName, Consumer>
  private readonly running = new Set<Promise<void>>()
  /** Those whose connections have all been up. */
  private readonly ready = new Set<Consumer>()
  private readonly holds = new Set<Hold>()
  private fullAt = Number.NEGATIVE_INFINITY
  private readonly errors: WorkerErrors

  constructor(private readonly options: ConsumersOptions) {
    this.errors = new WorkerErrors(options.log)
    this.workers = new Map(options.queues.map(queue => [queue, this.open(queue)]))
  }

  /** Takes no job until it is released; calm when done twice. */
  hold(why: Hold): void {
    this.holds.add(why)
    for (const worker of this.workers.values()) void worker.pause(true).catch(error => this.errors.say(error))
  }

  release(why: Hold): void {
    if (!this.holds.delete(why) || this.holds.size > 0) return
    for (const worker of this.workers.values()) void worker.resume()
  }

  isHeld(why: Hold): boolean {
    return this.holds.has(why)
  }

  /** Whether Redis has refused to hand out jobs of late, for want of memory. */
  get isFull(): boolean {
    return performance.now() - this.fullAt < FULL_FOR_MS
  }

  /** Takes no job any more, and resolves when none runs. Without Redis BullMQ's workers would never close. */
  async drain(): Promise<void> {
    const isThere = this.options.connection.status === 'ready' && this.ready.size === this.workers.size
    if (isThere) {
      await Promise.all([...this.workers.values()].map(worker => worker.close()))
    } else {
      this.hold('limit')
      await Promise.allSettled(this.running)
    }
  }

  /** Waits for nothing: jobs that could not be given back are taken over when their lock is up. */
  close(): void {
    this.options.connection.disconnect()
    for (const worker of this.workers.values()) {
      void worker.close(true).catch(() => {})
      worker.abandon()
    }
  }

  async historyOf(queue: QueueName, job: string): Promise<string[]> {
    const { logs } = await this.of(queue).backend.getJobLogs(job, 0, -1, true)
    return logs
  }

  /** The queues as they are searched for lost jobs. */
  stallQueues(): StallQueue[] {
    const { connection: redis } = this.options
    return [...this.workers].map(([name, worker]) => ({
      name,
      suspects: async () => {
        if ((await redis.exists(worker.toKey('stalled-check'))) === 1) return null
        const jobs = await redis.smembers(worker.toKey('stalled'))
        const takers = await Promise.all(jobs.map(job => redis.hget(worker.toKey(job), 'pb')))
        return new Map(jobs.flatMap((job, index) => (takers[index] == null ? [] : [[job, takers[index]] as const])))
      },
      release: () => worker.backend.moveStalledJobsToWait(),
      note: async (job, line) => void (await worker.backend.addLog(job, line)),
    }))
  }

  private open(queue: QueueName): Consumer {
    const { connection, prefix, name, concurrency, lockMs, stallCheckMs, run, looked } = this.options
    const worker = new Consumer(queue, (job, token) => this.track(run(queue, job, token ?? '')), {
      connection,
      prefix: `{${prefix}}`,
      name,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stallCheckMs,
      maxStalledCount: STALLS_ALLOWED,
      skipStalledCheck: true,
      runRetryDelay: RETRY_MS,
      settings: { backoffStrategy: attempts => backoffMs(attempts, BACKOFF, Math.random()) },
    })
    // As BullMQ says that there is a job: the word of it was for one worker only.
    worker.wakeAnother = () => connection.zadd(worker.toKey('marker'), 0, '0')
    worker.looked = isThere => {
      if (isThere) this.fullAt = Number.NEGATIVE_INFINITY
      looked(queue)
    }
    worker.on('ready', () => this.ready.add(worker))
    worker.on('error', error => this.meet(error))
    return worker
  }

  private meet(error: Error): void {
    this.errors.say(error)
    if (!isFull(wordsOf(error))) return
    this.fullAt = performance.now()
    if (this.isHeld('full')) return
    this.hold('full')
    setTimeout(() => this.release('full'), FULL_MS).unref()
  }

  private track(run: Promise<void>): Promise<void> {
    const tracked = run.finally(() => this.running.delete(tracked))
    this.running.add(tracked)
    return tracked
  }

  private of(queue: QueueName): Consumer {
    const worker = this.workers.get(queue)
    if (worker === undefined) throw new Error(`this worker does not consume ${queue}`)
    return worker
  }
}
