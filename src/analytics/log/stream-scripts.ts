import type { RedisConnection } from '../../redis/connection.js'

/** KEYS: stream, sums. ARGV: batches, entry. */
const APPEND = `
redis.call('XADD', KEYS[1], '*', 'd', ARGV[2])
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[2])
redis.call('HINCRBY', KEYS[2], 'batches', ARGV[1])
`

/**
 * KEYS: stream, sums. ARGV: group, then id, batches and bytes of each entry. What was taken off first may be added to when Redis is full: a script that has
 * written is not stopped. Whoever is second takes nothing off the sums.
 */
const FORGET = `
local bytes, batches = 0, 0
for at = 2, #ARGV, 3 do
  redis.pcall('XACK', KEYS[1], ARGV[1], ARGV[at])
  if redis.call('XDEL', KEYS[1], ARGV[at]) == 1 then
    batches = batches + ARGV[at + 1]
    bytes = bytes + ARGV[at + 2]
  end
end
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
elseif bytes > 0 then
  redis.call('HINCRBY', KEYS[2], 'bytes', -bytes)
  redis.call('HINCRBY', KEYS[2], 'batches', -batches)
end
`

/** KEYS: stream. ARGV: group, consumer. Who deletes a consumer deletes what it has read. */
const LEAVE = `
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
`

/** KEYS: stream, sums. Answers entries, bytes, batches and the id of the oldest entry. */
const BACKLOG = `
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
return { redis.call('XLEN', KEYS[1]), redis.call('HGET', KEYS[2], 'bytes') or 0, redis.call('HGET', KEYS[2], 'batches') or 0, first[1] and first[1][1] or '' }
`

export interface StreamKeys {
  readonly stream: string
  readonly sums: string
}

export interface EntryFacts {
  readonly id: string
  readonly batches: number
  readonly bytes: number
}

/** What several commands on the stream do at once. */
export class StreamScripts {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: StreamKeys,
  ) {}

  async append(entry: Buffer, batches: number): Promise<void> {
    await this.redis.eval(APPEND, 2, this.keys.stream, this.keys.sums, batches, entry)
  }

  /** A thousand at most. */
  async forget(group: string, entries: readonly EntryFacts[]): Promise<void> {
    const facts = entries.flatMap(({ id, batches, bytes }) => [id, batches, bytes])
    await this.redis.eval(FORGET, 2, this.keys.stream, this.keys.sums, group, ...facts)
  }

  /** Unless entries are still the consumer's. */
  async leave(group: string, consumer: string): Promise<void> {
    await this.redis.eval(LEAVE, 1, this.keys.stream, group, consumer)
  }

  /** `oldestId`: `<epoch ms>-<number>`; '' where there is none. */
  async backlog(): Promise<{ entries: number; bytes: number; batches: number; oldestId: string }> {
    const [entries, bytes, batches, oldestId] = (await this.redis.eval(BACKLOG, 2, this.keys.stream, this.keys.sums)) as [
      number,
      string,
      string,
      string,
    ]
    return { entries, bytes: Number(bytes), batches: Number(batches), oldestId }
  }
}
