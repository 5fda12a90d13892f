import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Redis } from 'ioredis'
import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { Cache } from './driver.js'

const COMPRESS_FROM_BYTES = 512
const PLAIN = 0
const DEFLATED = 1

/** Keeps bytes in Redis under `<prefix>:cache:<key>`, compressed from 512 bytes on. The connection is closed with the cache. */
export class RedisCache implements Cache {
  readonly name = 'redis'
  private readonly why: (error: unknown) => string

  constructor(
    private readonly redis: Redis,
    private readonly prefix: string,
  ) {
    this.why = connectionWords(redis)
  }

  async get(key: string): Promise<Uint8Array | null> {
    const kept = await this.ask(() => this.redis.getBuffer(this.keyOf(key)))
    if (kept === null) return null
    const bytes = kept.subarray(1)
    return kept[0] === DEFLATED ? inflateRawSync(bytes) : bytes
  }

  async put(key: string, bytes: Uint8Array, ttlS: number): Promise<void> {
    const compressed = bytes.byteLength >= COMPRESS_FROM_BYTES
    const body = compressed ? deflateRawSync(bytes, { level: 1 }) : bytes
    const kept = Buffer.concat([Buffer.of(compressed ? DEFLATED : PLAIN), body])
    await this.ask(() => this.redis.set(this.keyOf(key), kept, 'EX', ttlS))
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
