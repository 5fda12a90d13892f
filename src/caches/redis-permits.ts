import type { Clock } from '../kernel/clock.js'
import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import { RedisScript } from '../redis/script.js'
import type { PermitAnswer, Permits, PermitTerms } from './driver.js'

/**
 * KEYS: the bucket. ARGV: now in ms or '', wanted, perSecond, burst. Without a time the server's own is used, so that the clocks of the processes need not
 * agree. A bucket that would be full again is as good as none: the key ends by then.
 */
const TAKE = new RedisScript(`
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local wanted, rate, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(bucket[1]) or burst, tonumber(bucket[2]) or now
left = math.min(burst, left + math.max(0, now - at) * rate / 1000)
local granted = math.min(wanted, math.floor(left))
left = left - granted
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - left) * 1000 / rate) + 60000)
local retry = 0
if left < 1 then retry = math.ceil((1 - left) * 1000 / rate) end
return {granted, retry}`)

/** Permits in Redis under `<prefix>:permits:<key>`, of every process that has the prefix. The connection is its owner's to close. */
export class RedisPermits implements Permits {
  readonly name = 'redis'
  private readonly why: (error: unknown) => string

  /** `clock` null is the time of the Redis server. */
  constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
    private readonly clock: Clock | null = null,
  ) {
    this.why = connectionWords(redis)
  }

  async take(key: string, { wanted, perSecond, burst }: PermitTerms): Promise<PermitAnswer> {
    const now = this.clock === null ? '' : this.clock()
    try {
      const reply = await TAKE.run(this.redis, [`${this.prefix}:permits:${key}`], [now, wanted, perSecond, burst])
      const [granted, retryInMs] = reply as [number, number]
      return { granted, retryInMs }
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the rate limits in Redis do not answer: ${this.why(error)}`, {
        cause: error,
        hint: 'check REDIS_URL and that Redis runs',
      })
    }
  }
}
