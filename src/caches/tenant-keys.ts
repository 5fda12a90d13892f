import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import { nodesOf } from '../redis/nodes.js'

const KEYS_PER_SCAN = 1_000

/** What the first word of a key says about whom it is of: `answer:<tenant id>:...`, `api:<tenant id>`. */
type TenantWord = 'answer' | 'api'

/** A key of a cache, a gate or permits that is one tenant's. Those of others are never found by its number. */
export function tenantKey(word: TenantWord, tenantId: number, ...rest: readonly (string | number)[]): string {
  return [word, tenantId, ...rest].join(':')
}

/** The tenant whose a key in Redis is, under `<prefix>:cache:`, `:permits:` or `:gate:`; null for one that is no tenant's. */
function tenantOfKey(prefix: string, key: string): number | null {
  if (!key.startsWith(`${prefix}:`)) return null
  const found = /^(?:cache:answer|permits:api|gate:\{answer:answer):(\d{1,15})(?::|$)/.exec(key.slice(prefix.length + 1))
  return found === null ? null : Number(found[1])
}

/**
 * Every key in Redis that is some tenant's, a page at a time, from all nodes of a cluster; those that come meanwhile may be left out. @throws {Failure} UNAVAILABLE
 */
export async function* tenantKeys(
  redis: RedisConnection,
  prefix: string,
): AsyncGenerator<readonly { readonly key: string; readonly tenantId: number }[]> {
  const why = connectionWords(redis)
  try {
    for (const node of await nodesOf(redis, 'master')) {
      let cursor = '0'
      do {
        const [next, keys] = await node.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', KEYS_PER_SCAN)
        yield keys.flatMap(key => {
          const tenantId = tenantOfKey(prefix, key)
          return tenantId === null ? [] : [{ key, tenantId }]
        })
        cursor = next
      } while (cursor !== '0')
    }
  } catch (error) {
    throw unavailable(why(error), error)
  }
}

/** Deletes all that processes share about these tenants; answers how many keys each had. @throws {Failure} UNAVAILABLE */
export async function eraseTenantKeys(
  redis: RedisConnection,
  prefix: string,
  ids: ReadonlySet<number>,
): Promise<ReadonlyMap<number, number>> {
  const why = connectionWords(redis)
  const erased = new Map<number, number>()
  for await (const page of tenantKeys(redis, prefix)) {
    const own = page.filter(({ tenantId }) => ids.has(tenantId))
    // One by one: in a cluster each has a node of its own.
    const gone = await Promise.all(own.map(({ key }) => redis.unlink(key))).catch(error => {
      throw unavailable(why(error), error)
    })
    for (const [index, { tenantId }] of own.entries()) erased.set(tenantId, (erased.get(tenantId) ?? 0) + (gone[index] ?? 0))
  }
  return erased
}

function unavailable(why: string, cause: unknown): Failure {
  return new Failure('UNAVAILABLE', `Redis does not answer: ${why}`, { cause, hint: 'check REDIS_URL and that Redis runs' })
}
