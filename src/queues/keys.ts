import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import { nodesOf } from '../redis/nodes.js'

const KEYS_PER_SCAN = 1_000

/** Returns when Redis answers. @throws {Failure} UNAVAILABLE */
export async function greetRedis(redis: RedisConnection): Promise<void> {
  await asking(redis, () => redis.ping())
}

/**
 * Deletes the keys that feedctl writes under the prefix, of its queues and its cache, and no other, on every node of a cluster; answers how
 * many there were. @throws {Failure} UNAVAILABLE
 */
export function eraseKeys(redis: RedisConnection, prefix: string): Promise<number> {
  return asking(redis, async () => {
    let erased = 0
    for (const node of await nodesOf(redis, 'master')) {
      let cursor = '0'
      do {
        const [next, listed] = await node.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', KEYS_PER_SCAN)
        // The queue's prefix stands in the braces of a hash tag.
        const keys = listed.filter(key => key.startsWith(`${prefix}:`) || key.startsWith(`{${prefix}}:`))
        // One by one: in a cluster each has a node of its own, which may have changed since the scan.
        const unlinked = await Promise.all(keys.map(key => redis.unlink(key)))
        erased += unlinked.reduce((sum, count) => sum + count, 0)
        cursor = next
      } while (cursor !== '0')
    }
    return erased
  })
}

async function asking<T>(redis: RedisConnection, deed: () => Promise<T>): Promise<T> {
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
