import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { Log } from '../../src/kernel/log.js'
import { RedisQueue, type RedisQueueOptions, startRedisWorker } from '../../src/queues/index.js'

export type RedisWorkerOptions = Parameters<typeof startRedisWorker>[0]

/** How a worker works that a test says nothing else about. */
export const PLAIN: Omit<RedisWorkerOptions, keyof RedisQueueOptions | 'handler'> = {
  queues: ['sync'],
  concurrency: 2,
  tries: 2,
  timeoutMs: 60_000,
  bury: async () => {},
  quarantineAfter: 5,
  maxJobs: null,
  maxTimeMs: null,
  memoryBytes: null,
  supervisor: null,
  tell: () => {},
}

/** Lines of a log at `warn` and above, without their time. */
export function keptLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const log = new Log(line => lines.push(line.slice(line.indexOf(' ') + 1)), 'warn')
  return { log, lines }
}

/** Queues that nothing else uses, on the Redis at the URL, under a prefix that begins with `prefix`. */
export function freshOptions(url: string, prefix: string, log = new Log(() => {})): RedisQueueOptions {
  const connect = (purpose: 'worker' | 'producer') => {
    const redis = new Redis(url, { maxRetriesPerRequest: purpose === 'worker' ? null : 1 })
    redis.on('error', () => {})
    return redis
  }
  return { connect, prefix: `${prefix}q${randomBytes(4).toString('hex')}`, log }
}

/** Ends with the test. */
export function openQueue(options: RedisQueueOptions): RedisQueue {
  const queue = new RedisQueue(options)
  onTestFinished(() => queue.close())
  return queue
}

/** Ends with the test. */
export function startWorker(options: RedisQueueOptions, own: Partial<RedisWorkerOptions> & Pick<RedisWorkerOptions, 'handler'>) {
  const worker = startRedisWorker({ ...options, ...PLAIN, ...own })
  onTestFinished(async () => void (await worker.stop(0)))
  return worker
}
