import type { Config } from '../../kernel/config.js'
import type { Log } from '../../kernel/log.js'
import type { SessionDriver } from './driver.js'
import { MemorySessions } from './memory.js'

/** Where the settings want sessions kept. */
export async function openSessions(config: Config, log: Log): Promise<SessionDriver> {
  if (config.sessionDriver === 'memory') return new MemorySessions()
  const [{ openRedis }, { RedisSessions }] = await Promise.all([import('../../redis/connection.js'), import('./redis.js')])
  return new RedisSessions(openRedis(config, log, 'cache'), config.redisPrefix)
}
