import type { Clock } from '../kernel/clock.js'
import { connectionWords } from '../kernel/connection-words.js'
import { Failure } from '../kernel/errors.js'
import type { RedisConnection } from '../redis/connection.js'
import { RedisScript } from '../redis/script.js'
import type { GateAnswer, Gates, GateTerms } from './driver.js'

/**
 * KEYS: places (token -> end of its lease), pace, note. ARGV: now in ms or '', token, places, perSecond, burst, leaseMs.
 * Without a time the server's own is used, so that the clocks of the processes need not agree.
 * The keys outlive what they say by a minute: their ends are judged by the numbers in them.
 */
const ENTER = new RedisScript(`
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local token, lease = ARGV[2], tonumber(ARGV[6])
local note = redis.call('GET', KEYS[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], token) then return {1, 0, 0, note} end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {0, 1, math.ceil(tonumber(first[2]) - now), note}
end
local interval = 1000 / tonumber(ARGV[4])
local paced = math.max(tonumber(redis.call('GET', KEYS[2])) or 0, now)
local wait = paced - (tonumber(ARGV[5]) - 1) * interval - now
if wait > 0 then return {0, 0, math.ceil(wait), note} end
local after = paced + interval
redis.call('SET', KEYS[2], string.format('%.3f', after), 'PX', math.ceil(after - now) + 60000)
redis.call('ZADD', KEYS[1], string.format('%.3f', now + lease), token)
if redis.call('PTTL', KEYS[1]) < lease + 60000 then redis.call('PEXPIRE', KEYS[1], lease + 60000) end
return {1, 0, 0, note}`)

type EnterReply = [entered: 0 | 1, full: 0 | 1, retryInMs: number, note: string | null]

/** Gates in Redis under `<prefix>:gate:{<key>}:*`, of every process that has the prefix. The connection is its owner's to close. */
export class RedisGates implements Gates {
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

  async enter(key: string, terms: GateTerms): Promise<GateAnswer> {
    const { token, places, perSecond, burst, leaseMs } = terms
    const now = this.clock === null ? '' : this.clock()
    const keys = [this.keyOf(key, 'places'), this.keyOf(key, 'pace'), this.keyOf(key, 'note')]
    const args = [now, token, places, perSecond, burst, Math.ceil(leaseMs)]
    const [entered, full, retryInMs, note] = (await this.ask(() => ENTER.run(this.redis, keys, args))) as EnterReply
    if (entered === 1) return { entered: true, note }
    return { entered: false, full: full === 1, retryInMs: Math.max(1, retryInMs), note }
  }

  async leave(key: string, token: string): Promise<void> {
    await this.ask(() => this.redis.zrem(this.keyOf(key, 'places'), token))
  }

  async note(key: string, note: string, ttlS: number): Promise<void> {
    await this.ask(() => this.redis.set(this.keyOf(key, 'note'), note, 'EX', ttlS))
  }

  /** The braces put the keys of one gate on one node of a cluster; braces of the key's own must not end them early. */
  private keyOf(key: string, part: 'places' | 'pace' | 'note'): string {
    return `${this.prefix}:gate:{${key.replace(/[{}%]/g, encodeURIComponent)}}:${part}`
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the host budgets in Redis do not answer: ${this.why(error)}`, {
        cause: error,
        hint: 'check REDIS_URL and that Redis runs',
      })
    }
  }
}
