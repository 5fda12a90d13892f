import { Queue as BullQueue } from 'bullmq'
import type { ChainableCommander } from 'ioredis'
import { connectionWords } from '../kernel/connection-words.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { RedisConnection } from '../redis/connection.js'
import type { JobPayload } from './driver.js'
import type { QueueName } from './names.js'
import type { RedisQueueOptions } from './redis.js'
import { redisFailure } from './redis-failure.js'

/** The queues of an installation behind one connection, for those who look into them. */
export class DeskQueues {
  readonly redis: RedisConnection
  /** The installation's, bare. */
  readonly prefix: string
  readonly log: Log
  private readonly opened = new Map<QueueName, BullQueue<JobPayload>>()
  private readonly why: (error: unknown) => string
  private greeted = false

  constructor(options: RedisQueueOptions) {
    this.prefix = options.prefix
    this.log = options.log
    this.redis = options.connect('producer')
    this.why = connectionWords(this.redis)
  }

  of(name: QueueName): BullQueue<JobPayload> {
    const known = this.opened.get(name)
    if (known !== undefined) return known
    const queue = new BullQueue<JobPayload>(name, { connection: this.redis, prefix: `{${this.prefix}}`, skipMetasUpdate: true })
    // Errors reach the caller through the calls that meet them.
    queue.on('error', error => this.log.debug('desk connection', { why: wordsOf(error) }))
    this.opened.set(name, queue)
    return queue
  }

  key(name: QueueName, part: string): string {
    return `{${this.prefix}}:${name}:${part}`
  }

  /** Does it when Redis answers. @throws {Failure} the deed's own, REDIS_FULL, UNAVAILABLE */
  async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      // BullMQ waits for the first connection without end; a command of our own gives up.
      if (!this.greeted) await this.redis.ping()
      this.greeted = true
      return await deed()
    } catch (error) {
      if (error instanceof Failure) throw error
      throw redisFailure('the queue', this.why(error), error)
    }
  }

  async close(): Promise<void> {
    this.redis.disconnect()
    await Promise.allSettled([...this.opened.values()].map(queue => queue.close()))
  }
}

/** What the commands of a pipeline answered, in their order. @throws the first error among them */
export async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? []
  for (const [error] of answers) if (error !== null) throw error
  return answers.map(([, value]) => value)
}
