import type { ChainableCommander, Redis } from 'ioredis'
import type { RedisConnection } from './connection.js'
import { nodesOf } from './nodes.js'

const KEYS_PER_SCAN = 1_000

/** A key in Redis, and what is under it, or under its field `data` where it has fields. */
export interface RedisValue {
  readonly key: string
  readonly bytes: Buffer
}

/**
 * What is under the keys of feedctl that are wanted, from all nodes of a cluster, page by page: one is there for every thousand keys or so that Redis has, and may
 * be empty. Texts and fields only, and what comes or goes meanwhile may be left out. `prefix`: REDIS_PREFIX.
 */
export async function* valuesIn(
  redis: RedisConnection,
  prefix: string,
  wants: (key: string) => boolean,
): AsyncGenerator<readonly RedisValue[]> {
  for (const node of await nodesOf(redis, 'master')) {
    let cursor = '0'
    do {
      const [next, listed] = await node.scan(cursor, 'MATCH', `*${prefix}*`, 'COUNT', KEYS_PER_SCAN)
      // The queue's prefix stands in the braces of a hash tag.
      const keys = listed.filter(key => key.startsWith(`${prefix}:`) || key.startsWith(`{${prefix}}:`)).filter(wants)
      yield await valuesUnder(node, keys)
      cursor = next
    } while (cursor !== '0')
  }
}

/** In two round trips, however many there are. What a key is may change between them: then it is left out. */
async function valuesUnder(node: Redis, keys: readonly string[]): Promise<RedisValue[]> {
  if (keys.length === 0) return []
  const kinds = node.pipeline()
  for (const key of keys) kinds.type(key)
  const kindOf = new Map((await answersOf(kinds)).map((kind, index) => [keys[index], kind]))
  const read = keys.filter(key => kindOf.get(key) === 'string' || kindOf.get(key) === 'hash')
  if (read.length === 0) return []
  const values = node.pipeline()
  for (const key of read) kindOf.get(key) === 'string' ? values.getBuffer(key) : values.hgetBuffer(key, 'data')
  const answers = await answersOf(values)
  return read.flatMap((key, index) => {
    const bytes = answers[index]
    return Buffer.isBuffer(bytes) ? [{ key, bytes }] : []
  })
}

/** In their order; null for one that was refused. */
async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, answer]) => (error === null ? answer : null))
}
