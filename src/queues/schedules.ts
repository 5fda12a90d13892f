import { isDeepStrictEqual } from 'node:util'
import { Queue as BullQueue, defaultRepeatStrategy, type JobSchedulerJson } from 'bullmq'
import { connectionWords } from '../kernel/connection-words.js'
import { wordsOf } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import type { QueueName } from './names.js'
import { bullJob, type RedisQueueOptions } from './redis.js'
import { redisFailure } from './redis-failure.js'

const QUEUE: QueueName = 'maintenance'
const UTC = 'UTC'
/** Clocks of machines differ by less, unless one of them is wrong. */
const CLOCK_SLACK_MS = 30_000
/** As every job has them; which jobs are there at the same time is decided by the schedule. */
const { attempts, backoff, removeOnComplete, removeOnFail } = bullJob({ queue: QUEUE, name: '', payload: {}, dedupeId: '' }).opts
const JOB_OPTIONS = { attempts, backoff, removeOnComplete, removeOnFail }

/** A job without a payload that is added to the queue `maintenance` again and again: every so many ms, or by a cron pattern in UTC. */
export type JobSchedule = { readonly id: string; readonly name: string } & (
  | { readonly everyMs: number }
  | { readonly pattern: string }
)

export interface StandingSchedule {
  readonly id: string
  /** Of its jobs. */
  readonly name: string
  /** Epoch ms; in the past while its job waits for a worker. */
  readonly nextAt: number
}

/**
 * The schedules that Redis keeps. The job after next is made when a worker takes the next one: however many processes put the same
 * schedule, it fires once per time, and never has more than one job that waits. @throws {Failure} UNAVAILABLE, REDIS_FULL from every call
 */
export class JobSchedules {
  private readonly connection: RedisConnection
  private readonly queue: BullQueue
  private readonly why: (error: unknown) => string

  constructor(private readonly options: RedisQueueOptions) {
    this.connection = options.connect('producer')
    this.why = connectionWords(this.connection)
    this.queue = new BullQueue(QUEUE, { connection: this.connection, prefix: `{${options.prefix}}`, skipMetasUpdate: true })
    // Errors reach the caller through the calls that meet them.
    this.queue.on('error', error => options.log.debug('schedule connection', { why: wordsOf(error) }))
  }

  /**
   * Keeps the schedule from now on. One that stands unchanged keeps its times and its waiting job; a new interval begins now, a new pattern
   * at its next time, and so does one that a wrong clock has put off.
   */
  put(schedule: JobSchedule): Promise<void> {
    return this.ask(async () => {
      const standing = await this.standing(schedule.id)
      if (!isSame(standing, schedule) || !(await this.hasNextJob(standing))) await this.upsert(schedule)
    })
  }

  /** Puts the schedule when it, or its next job, is lost or put off by a wrong clock, and lets one stand that differs: who put that came later. */
  mend(schedule: JobSchedule): Promise<void> {
    return this.ask(async () => {
      if (!(await this.hasNextJob(await this.standing(schedule.id)))) await this.upsert(schedule)
    })
  }

  /** Its waiting job goes too. Calm when there is none. */
  remove(id: string): Promise<void> {
    return this.ask(async () => void (await this.queue.removeJobScheduler(id)))
  }

  /** Removes every schedule but these; answers the ids of those that went. */
  async removeOthers(ids: readonly string[]): Promise<string[]> {
    const others = (await this.list()).map(schedule => schedule.id).filter(id => !ids.includes(id))
    for (const id of others) await this.remove(id)
    return others
  }

  /** The next to fire first. */
  list(): Promise<StandingSchedule[]> {
    return this.ask(async () => {
      const standing = await this.queue.getJobSchedulers(0, -1, true)
      return standing.map(({ key, name, next }) => ({ id: key, name, nextAt: next ?? 0 }))
    })
  }

  async close(): Promise<void> {
    this.connection.disconnect()
    await this.queue.close().catch(() => {})
  }

  /**
   * The schedule as it stands; none when its next time is later than any clock that is right would make it. BullMQ counts that time from the
   * clock of the worker that takes a job, and from the time before: it stays wrong when the clock is right again, and when the schedule is put.
   */
  private async standing(id: string): Promise<JobSchedulerJson | undefined> {
    const standing = await this.queue.getJobScheduler(id)
    if (standing?.next === undefined || standing.next <= latestAfter(standing, await this.redisNow())) return standing
    this.options.log.warn('a schedule begins anew: a wrong clock had put it off', { schedule: id, until: standing.next })
    await this.queue.removeJobScheduler(id)
    return undefined
  }

  /** Epoch ms: the one clock that is the same for all who keep schedules. */
  private async redisNow(): Promise<number> {
    const [seconds] = await this.connection.time()
    return Number(seconds) * 1000
  }

  /** A job that was removed (the queue was drained, say) would never be followed by another. */
  private async hasNextJob(standing: JobSchedulerJson | undefined): Promise<boolean> {
    if (standing?.next === undefined) return false
    const state = await this.queue.getJobState(`repeat:${standing.key}:${standing.next}`)
    return state !== 'unknown' && state !== 'completed' && state !== 'failed'
  }

  private async upsert(schedule: JobSchedule): Promise<void> {
    const when = 'everyMs' in schedule ? { every: schedule.everyMs } : { pattern: schedule.pattern, tz: UTC }
    await this.queue.upsertJobScheduler(schedule.id, when, { name: schedule.name, data: {}, opts: JOB_OPTIONS })
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      // BullMQ waits for the first connection without end; a command of our own gives up.
      await this.connection.ping()
      return await deed()
    } catch (error) {
      throw redisFailure('the schedule', this.why(error), error)
    }
  }
}

/** The latest time that clocks which are about right may have given the schedule; epoch ms. */
function latestAfter({ every, pattern }: JobSchedulerJson, now: number): number {
  const from = now + CLOCK_SLACK_MS
  if (every !== undefined) return from + every
  return pattern === undefined ? from : (defaultRepeatStrategy(from, { pattern, tz: UTC }) ?? Number.POSITIVE_INFINITY)
}

function isSame(standing: JobSchedulerJson | undefined, schedule: JobSchedule): boolean {
  if (standing === undefined || standing.name !== schedule.name) return false
  const when = 'everyMs' in schedule ? [schedule.everyMs, undefined] : [undefined, schedule.pattern]
  return isDeepStrictEqual([standing.every, standing.pattern], when) && isDeepStrictEqual(standing.template?.opts, JOB_OPTIONS)
}
