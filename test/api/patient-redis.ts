import { FAR_TIMES, type FarTimes } from '../../src/api/answers/far.js'
import type { App } from '../../src/app.js'
import { RedisCache, RedisGates, RedisPermits } from '../../src/caches/index.js'
import type { Shared } from '../../src/parts.js'
import { openRedis } from '../../src/redis/connection.js'

/** As long as any machine is busy. */
export const PATIENT: FarTimes = { ...FAR_TIMES, patienceMs: 100_000, turnMs: 100_000 }

/**
 * The app, which waits for Redis however long that takes: what processes do together is exact only while it answers soon. It closes the one
 * that was given.
 */
export function withPatientRedis(app: App): App {
  const redis = openRedis(app.config, app.log, 'worker')
  const { redisPrefix } = app.config
  const parts = {
    far: new RedisCache(redis, redisPrefix),
    gates: new RedisGates(redis, redisPrefix),
    permits: new RedisPermits(redis, redisPrefix),
  }
  const shared = async (): Promise<Shared> => ({ ...(await app.shared()), ...parts })
  const close = async () => {
    redis.disconnect()
    await app[Symbol.asyncDispose]()
  }
  return Object.create(app, { shared: { value: shared }, [Symbol.asyncDispose]: { value: close } }) as App
}
