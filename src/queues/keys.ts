import type { Redis } from 'ioredis'
import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'

const KEYS_PER_SCAN = 1_000

/** Returns when Redis answers. @throws {Failure} UNAVAILABLE */
export async function greetRedis(redis: Redis): Promise<void> {
  await asking(redis, () => redis.ping())
}

/** Deletes the keys that feedctl writes under the prefix, of its queues and its cache, and no other; answers how many there were. @throws {Failure} UNAVAILABLE */
export function eraseKeys(redis: Redis, prefix: string): Promise<number> {
  return asking(redis, async () => {
    let erased = 0
    let cursor = '0'
    do {
      const [next, listed] = await redis.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', KEYS_PER_SCAN)
      // The queue's prefix stands in the braces of a hash tag.
      const keys = listed.filter(key => key.startsWith(`${prefix}:`) || key.startsWith(`{${prefix}}:`))
      if (keys.length > 0) erased += await redis.unlink(...keys)
      cursor = next
    } while (cursor !== '0')
    return erased
  })
}

async function asking<T>(redis: Redis, deed: () => Promise<T>): Promise<T> {
  const why = connectionWords(redis)
  try {
    return await deed()
  } catch (error) {
    throw new Failure('UNAVAILABLE', `Redis does not answer: ${why(error)}`, {
      cause: error,
      hint: 'check REDIS_URL and that Redis runs',
    })
  }
}
