import { setTimeout as pause } from 'node:timers/promises'
import { Queue as BullQueue, Worker as BullWorker, UnrecoverableError } from 'bullmq'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import type { QueueDesk } from '../../src/queues/desk.js'
import type { JobRequest } from '../../src/queues/driver.js'
import type { QueueName } from '../../src/queues/names.js'
import { RedisQueue, type RedisQueueOptions } from '../../src/queues/redis.js'
import { RedisDesk } from '../../src/queues/redis-desk.js'
import { deleteRedisKeys, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

/** A Redis prefix of the running test's own. */
export function freshRedis(): { env: TestEnv; options: RedisQueueOptions } {
  const env = sharedRedisEnv()
  onTestFinished(() => deleteRedisKeys(env))
  return { env, options: optionsOf(env) }
}

/** A desk over queues of the running test's own. */
export function openDesk(): { desk: QueueDesk; options: RedisQueueOptions } {
  const { options } = freshRedis()
  const desk = new RedisDesk(options)
  onTestFinished(() => desk.close())
  return { desk, options }
}

export function optionsOf(env: TestEnv): RedisQueueOptions {
  const connect = (purpose: 'worker' | 'producer') =>
    new Redis(env.REDIS_URL ?? '', { maxRetriesPerRequest: purpose === 'worker' ? null : 1 })
  return { connect, prefix: env.FEEDCTL_REDIS_PREFIX ?? '', log: new Log(() => {}) }
}

export function syncJob(tenantId: number): JobRequest {
  return { queue: 'sync', name: 'SyncTenantFeeds', payload: { tenantId }, dedupeId: `tenant:${tenantId}` }
}

/** Jobs that are in the queue, waiting. */
export async function addJobs(options: RedisQueueOptions, jobs: readonly JobRequest[]): Promise<void> {
  const queue = new RedisQueue(options)
  try {
    const { added } = await queue.add(jobs)
    if (added !== jobs.length) throw new Error(`only ${added} of ${jobs.length} jobs were added`)
  } finally {
    await queue.close()
  }
}

/** Adds jobs and has a real worker of BullMQ fail them for good, each with the reason it is given, in their order. */
export async function failJobs(
  options: RedisQueueOptions,
  jobs: readonly JobRequest[],
  reasonOf: (job: JobRequest, index: number) => string,
): Promise<void> {
  for (const name of new Set(jobs.map(job => job.queue))) {
    const own = jobs.filter(job => job.queue === name)
    await addJobs(options, own)
    await consume(options, name, own.length, async job => {
      // Each in a millisecond of its own: failed jobs are told in the order of these.
      await pause(2)
      const index = own.findIndex(({ dedupeId }) => dedupeId === job)
      throw new UnrecoverableError(reasonOf(own[index] as JobRequest, index))
    })
  }
}

/** Has a worker take so many jobs, one after the other, and answers their ids for dedupe in the order they were taken. */
export async function consume(
  options: RedisQueueOptions,
  queue: QueueName,
  count: number,
  deed: (dedupeId: string) => void | Promise<void> = () => {},
): Promise<string[]> {
  const taken: string[] = []
  let ended = 0
  const connection = options.connect('worker')
  const worker = new BullWorker(
    queue,
    async job => {
      taken.push(job.deduplicationId ?? '')
      await deed(job.deduplicationId ?? '')
    },
    { connection, prefix: `{${options.prefix}}`, autorun: false },
  )
  await new Promise<void>((resolve, reject) => {
    const one = () => {
      if (++ended === count) resolve()
    }
    worker.on('completed', one)
    worker.on('failed', one)
    worker.on('error', reject)
    void worker.run()
  })
  await worker.close()
  connection.disconnect()
  return taken
}

/** The queue as BullMQ has it, for what the desk does not tell. */
export function bullQueue(options: RedisQueueOptions, name: QueueName): BullQueue {
  const connection = options.connect('producer')
  const queue = new BullQueue(name, { connection, prefix: `{${options.prefix}}` })
  onTestFinished(async () => {
    await queue.close()
    connection.disconnect()
  })
  return queue
}
