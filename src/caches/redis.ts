import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import type { Cache } from './driver.js'

/** Keeps bytes in Redis under `<prefix>:cache:<key>`. The connection is closed with the cache. */
export class RedisCache implements Cache {
  readonly name = 'redis'
  private readonly why: (error: unknown) => string

  constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
  ) {
    this.why = connectionWords(redis)
  }

  async get(key: string): Promise<Uint8Array | null> {
    return this.ask(() => this.redis.getBuffer(this.keyOf(key)))
  }

  async put(key: string, bytes: Uint8Array, ttlS: number): Promise<void> {
    await this.ask(() =>
      this.redis.set(this.keyOf(key), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 'EX', ttlS),
    )
  }

  async delete(key: string): Promise<void> {
    await this.ask(() => this.redis.del(this.keyOf(key)))
  }

  async close(): Promise<void> {
    this.redis.disconnect()
  }

  private keyOf(key: string): string {
    return `${this.prefix}:cache:${key}`
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the cache does not answer: ${this.why(error)}`, {
        cause: error,
        hint: 'check REDIS_URL and that Redis runs',
      })
    }
  }
}
