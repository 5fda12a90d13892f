import { createHash } from 'node:crypto'
import type { RedisConnection } from './connection.js'

/** A Lua script that a server is sent once, and from then on asked for by its hash. */
export class RedisScript {
  private readonly sha: string

  constructor(private readonly text: string) {
    this.sha = createHash('sha1').update(text).digest('hex')
  }

  /** @throws whatever the connection or the script throws */
  async run(redis: RedisConnection, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(this.sha, keys.length, ...keys, ...args)
    } catch (error) {
      // A server that was started anew does not know it.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return redis.eval(this.text, keys.length, ...keys, ...args)
    }
  }
}
