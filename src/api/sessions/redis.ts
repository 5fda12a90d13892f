import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.js'
import { connectionWords } from '../../kernel/connection-words.js'
import { Failure } from '../../kernel/errors.js'
import type { RedisConnection } from '../../redis/connection.js'
import { RedisScript } from '../../redis/script.js'
import type { Operator, Session, SessionDriver, Trial } from './driver.js'

/** Without a time the server's own is used, so that the clocks of the processes need not agree. */
const NOW = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end`

/** KEYS: epoch, session. ARGV: now or '', password, lastsMs, an epoch if there is none. Who loses the epoch has no session: it is never begun again under the same name. */
const BEGIN = script(`
local lasts = tonumber(ARGV[3])
redis.call('SET', KEYS[1], ARGV[4], 'NX')
if redis.call('PTTL', KEYS[1]) < lasts then redis.call('PEXPIRE', KEYS[1], lasts) end
redis.call('HSET', KEYS[2], 'epoch', redis.call('GET', KEYS[1]), 'began', string.format('%d', now), 'ends', string.format('%d', now + lasts), 'password', ARGV[2])
redis.call('PEXPIRE', KEYS[2], lasts)
return 1`)

/** KEYS: epoch, session. ARGV: now or ''. */
const FIND = script(`
local kept = redis.call('HMGET', KEYS[2], 'epoch', 'began', 'ends', 'password')
if not kept[1] or kept[1] ~= redis.call('GET', KEYS[1]) or tonumber(kept[3]) <= now then return false end
return {kept[2], kept[3], kept[4]}`)

/** KEYS: one for each trial. ARGV: now or '', then free, firstWaitMs, longestWaitMs and forgetMs of each. */
const TRY = script(`
local wait, counts = 0, {}
for place, key in ipairs(KEYS) do
  local terms = place * 4 - 2
  local free, first, longest, forget = tonumber(ARGV[terms]), tonumber(ARGV[terms + 1]), tonumber(ARGV[terms + 2]), tonumber(ARGV[terms + 3])
  local kept = redis.call('HMGET', key, 'count', 'newest')
  local count, newest = tonumber(kept[1] or 0), tonumber(kept[2] or 0)
  if now >= newest + forget then count = 0 end
  counts[place] = count
  if count >= free then wait = math.max(wait, newest + math.min(longest, first * 2 ^ (count - free)) - now) end
end
if wait > 0 then return math.ceil(wait) end
for place, key in ipairs(KEYS) do
  redis.call('HSET', key, 'count', counts[place] + 1, 'newest', string.format('%d', now))
  redis.call('PEXPIRE', key, tonumber(ARGV[place * 4 + 1]))
end
return 0`)

/** KEYS: one. ARGV: now or '' (unused). */
const FORGIVE_ONE = script(`
if tonumber(redis.call('HGET', KEYS[1], 'count') or 0) <= 1 then return redis.call('DEL', KEYS[1]) end
return redis.call('HINCRBY', KEYS[1], 'count', -1)`)

/** Sessions in Redis under `<prefix>:session:{ops}:*`, of every process that has the prefix. The connection is closed with it. */
export class RedisSessions implements SessionDriver {
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

  async begin(operator: Operator, idHash: string, password: string, lastsMs: number): Promise<void> {
    const keys = [this.keyOf(operator, 'epoch'), this.keyOf(operator, `id:${idHash}`)]
    await this.run(BEGIN, keys, [password, lastsMs, randomBytes(16).toString('base64url')])
  }

  async find(operator: Operator, idHash: string): Promise<Session | null> {
    const keys = [this.keyOf(operator, 'epoch'), this.keyOf(operator, `id:${idHash}`)]
    const found = (await this.run(FIND, keys, [])) as [began: string, ends: string, password: string] | null
    if (found === null) return null
    return { beganAt: Number(found[0]), endsAt: Number(found[1]), password: found[2] }
  }

  async end(operator: Operator, idHash: string): Promise<void> {
    await this.ask(() => this.redis.del(this.keyOf(operator, `id:${idHash}`)))
  }

  async endAll(operator: Operator): Promise<void> {
    await this.ask(() => this.redis.del(this.keyOf(operator, 'epoch')))
  }

  async try(trials: readonly Trial[]): Promise<number> {
    const keys = trials.map(({ key }) => this.trialKeyOf(key))
    const terms = trials.flatMap(({ terms: { free, firstWaitMs, longestWaitMs, forgetMs } }) => [
      free,
      firstWaitMs,
      longestWaitMs,
      forgetMs,
    ])
    return Number(await this.run(TRY, keys, terms))
  }

  async forgive(key: string, which: 'all' | 'one'): Promise<void> {
    if (which === 'one') await this.run(FORGIVE_ONE, [this.trialKeyOf(key)], [])
    else await this.ask(() => this.redis.del(this.trialKeyOf(key)))
  }

  async close(): Promise<void> {
    this.redis.disconnect()
  }

  /** The braces put all on one node of a cluster. */
  private keyOf(operator: Operator, part: string): string {
    return `${this.prefix}:session:{${operator}}:${part}`
  }

  private trialKeyOf(key: string): string {
    return this.keyOf('ops', `trial:${key}`)
  }

  private run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const now = this.clock === null ? '' : this.clock()
    return this.ask(() => script.run(this.redis, keys, [now, ...args]))
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the sessions in Redis do not answer: ${this.why(error)}`, {
        cause: error,
        hint: 'check REDIS_URL and that Redis runs',
      })
    }
  }
}

function script(body: string): RedisScript {
  return new RedisScript(`${NOW}${body}`)
}
