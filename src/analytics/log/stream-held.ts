import type { RedisConnection } from '../../redis/connection.js'
import { parseTenantId, type TenantId } from '../../tenants/ids.js'
import { HELD_MS } from './gauge.js'
import { inCommands } from './stream-group.js'

/** Tenants whose batches were put behind others lately: by id, in order of the time until when. */
export class StreamHeld {
  constructor(
    private readonly redis: RedisConnection,
    private readonly key: string,
  ) {}

  async add(ids: Iterable<TenantId>): Promise<void> {
    const until = Date.now() + HELD_MS
    for (const some of inCommands([...ids])) await this.redis.zadd(this.key, ...some.flatMap(id => [until, id]))
    await this.redis.pexpire(this.key, HELD_MS)
  }

  async read(): Promise<ReadonlySet<TenantId>> {
    await this.redis.zremrangebyscore(this.key, '-inf', Date.now())
    return new Set((await this.redis.zrange(this.key, 0, -1)).map(id => parseTenantId(Number(id))))
  }
}
