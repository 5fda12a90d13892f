import type { RedisConnection } from '../redis/connection.js'
import type { JobPayload } from './driver.js'
import type { QueueName } from './names.js'

/** A job that killed its workers, as it is written down. Times are epoch ms. */
export interface QuarantineRecord {
  readonly queue: QueueName
  /** Of the job in the failed set of its queue. */
  readonly id: string
  readonly dedupeId: string
  readonly name: string
  readonly payload: JobPayload
  /** Null for a job that is no tenant's. */
  readonly tenantId: number | null
  /** `CODE: words`. */
  readonly reason: string
  readonly attempts: number
  readonly failedAt: number
  /** Which worker died of it, when and how; oldest first. */
  readonly history: readonly string[]
}

/** The jobs that are not to be run: a hash beside the queues, one field `<queue> <dedupeId>` each. */
export class Quarantine {
  private readonly key: string

  constructor(
    private readonly redis: RedisConnection,
    prefix: string,
  ) {
    this.key = `{${prefix}}:quarantine`
  }

  async isEmpty(): Promise<boolean> {
    return (await this.redis.hlen(this.key)) === 0
  }

  /** Which of these ids are in it. */
  async among(queue: QueueName, dedupeIds: readonly string[]): Promise<Set<string>> {
    if (dedupeIds.length === 0) return new Set()
    const found = await this.redis.hmget(this.key, ...dedupeIds.map(id => fieldOf(queue, id)))
    return new Set(dedupeIds.filter((_, index) => found[index] != null))
  }

  async has(queue: QueueName, dedupeId: string): Promise<boolean> {
    return (await this.redis.hexists(this.key, fieldOf(queue, dedupeId))) === 1
  }

  async put(record: QuarantineRecord): Promise<void> {
    await this.redis.hset(this.key, fieldOf(record.queue, record.dedupeId), JSON.stringify(record))
  }
}

function fieldOf(queue: QueueName, dedupeId: string): string {
  return `${queue} ${dedupeId}`
}
