import type { RedisConnection } from './connection.js'
import { nodesOf } from './nodes.js'

const KEYS_PER_SCAN = 1_000

/** A key in Redis, and what is under it, or under its field `data` where it has fields. */
export interface RedisValue {
  readonly key: string
  readonly bytes: Buffer
}

/**
 * What is under the keys of feedctl that are wanted, from all nodes of a cluster; texts and fields only, and what comes or goes meanwhile may be left out.
 * `prefix`: REDIS_PREFIX.
 */
export async function* valuesIn(
  redis: RedisConnection,
  prefix: string,
  wants: (key: string) => boolean,
): AsyncGenerator<RedisValue> {
  for (const node of await nodesOf(redis, 'master')) {
    let cursor = '0'
    do {
      const [next, listed] = await node.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', KEYS_PER_SCAN)
      // The queue's prefix stands in the braces of a hash tag.
      const keys = listed.filter(key => key.startsWith(`${prefix}:`) || key.startsWith(`{${prefix}}:`)).filter(wants)
      for (const key of keys) {
        const bytes = await bytesUnder(redis, key)
        if (bytes !== null) yield { key, bytes }
      }
      cursor = next
    } while (cursor !== '0')
  }
}

async function bytesUnder(redis: RedisConnection, key: string): Promise<Buffer | null> {
  const kind = await redis.type(key)
  if (kind === 'string') return redis.getBuffer(key)
  return kind === 'hash' ? redis.hgetBuffer(key, 'data') : null
}
