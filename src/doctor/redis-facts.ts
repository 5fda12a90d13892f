import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import { nodesOf, nodeWords } from '../redis/nodes.js'

/** What one server says of itself. */
export interface NodeFacts {
  /** `host:port`. */
  readonly node: string
  readonly version: string
  readonly usedBytes: number
  /** 0 is no bound. */
  readonly maxBytes: number
  readonly policy: string
  readonly appendOnly: boolean
  /** Null when it does not tell: services that are hosted often keep CONFIG to themselves. */
  readonly appendFsync: string | null
}

/** Of every server behind the connection. @throws {Failure} UNAVAILABLE */
export function readNodes(redis: RedisConnection): Promise<readonly NodeFacts[]> {
  return askingRedis(redis, async () => {
    const nodes = await nodesOf(redis, 'all')
    return Promise.all(
      nodes.map(async client => {
        const info = await client.info()
        const config = await client.config('GET', 'appendfsync').catch(() => null)
        return nodeFacts(nodeWords(client), info, Array.isArray(config) ? String(config[1]) : null)
      }),
    )
  })
}

/** Sets it on the named servers behind the connection. @throws {Failure} UNAVAILABLE, also when Redis refuses */
export function setOnNodes(redis: RedisConnection, names: readonly string[], name: string, value: string): Promise<void> {
  return askingRedis(redis, async () => {
    for (const node of await nodesOf(redis, 'all')) if (names.includes(nodeWords(node))) await node.config('SET', name, value)
  })
}

/** Reads what INFO answers. */
export function nodeFacts(node: string, info: string, appendFsync: string | null): NodeFacts {
  const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? ''
  return {
    node,
    version: value('redis_version'),
    usedBytes: Number(value('used_memory')),
    maxBytes: Number(value('maxmemory')),
    policy: value('maxmemory_policy'),
    appendOnly: value('aof_enabled') === '1',
    appendFsync,
  }
}

/** Runs the deed. @throws {Failure} UNAVAILABLE that says why for whatever it throws */
export async function askingRedis<T>(redis: RedisConnection, deed: () => Promise<T>): Promise<T> {
  const why = connectionWords(redis)
  try {
    return await deed()
  } catch (error) {
    const hint = 'check REDIS_URL or REDIS_CLUSTER_NODES, and that Redis runs'
    throw new Failure('UNAVAILABLE', `Redis does not answer: ${why(error)}`, { cause: error, hint })
  }
}
