import { wordsOf } from '../../kernel/errors.js'
import type { RedisConnection } from '../../redis/connection.js'

/** As old as nothing that is worked on gets: what is given back can be claimed at once. */
const GIVEN_BACK_MS = 7 * 86_400_000
/** Each is an argument: too many overflow the stack here, and hold up the others in Redis. */
const MOST_PER_COMMAND = 1_000
/** Of dead readers, that are looked up at once. */
const MOST_DEAD = 10_000

export interface StreamEntry {
  readonly id: string
  readonly data: Buffer
}

type RawEntry = [id: Buffer, fields: Buffer[] | null] | null

/** This process among those that read the stream. */
export class StreamGroup {
  readonly name = 'counting'

  constructor(
    private readonly redis: RedisConnection,
    private readonly stream: string,
    readonly consumer: string,
    private readonly deadAfterMs: number,
  ) {}

  /**
   * For one take: answers entries that nobody works on, as many as asked at most, those of dead readers first; none when there are no more. Who is dead is looked
   * up once. The group, and the stream, are made where there are none.
   */
  reading(): (count: number) => Promise<StreamEntry[]> {
    let dead: string[] | null = null
    return async count => {
      dead ??= await this.withGroup(() => this.idsOfDead())
      while (dead.length > 0) {
        const claimed = await this.claim(dead.splice(0, count))
        if (claimed.length > 0) return claimed
      }
      return this.withGroup(() => this.readNew(count))
    }
  }

  /** Entries that somebody works on, or did when it died. */
  async pending(): Promise<number> {
    try {
      const [count] = (await this.redis.xpending(this.stream, this.name)) as [number]
      return count
    } catch (error) {
      if (/^NOGROUP/.test(wordsOf(error))) return 0
      throw error
    }
  }

  /** They are still worked on. A thousand at most. */
  async keep(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.redis.xclaim(this.stream, this.name, this.consumer, 0, ...ids, 'JUSTID')
  }

  /** A thousand at most. */
  async giveBack(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await this.redis.xclaim(this.stream, this.name, this.consumer, 0, ...ids, 'IDLE', GIVEN_BACK_MS, 'JUSTID')
  }

  private async idsOfDead(): Promise<string[]> {
    const pending = (await this.redis.xpending(this.stream, this.name, 'IDLE', this.deadAfterMs, '-', '+', MOST_DEAD)) as [
      id: string,
    ][]
    return pending.map(([id]) => id)
  }

  /** Those of them that nobody else has claimed meanwhile. */
  private async claim(ids: readonly string[]): Promise<StreamEntry[]> {
    const { redis, stream, name, consumer } = this
    return entriesOf((await redis.callBuffer('XCLAIM', stream, name, consumer, this.deadAfterMs, ...ids)) as RawEntry[])
  }

  private async readNew(count: number): Promise<StreamEntry[]> {
    const { redis, stream, name, consumer } = this
    const read = (await redis.callBuffer('XREADGROUP', 'GROUP', name, consumer, 'COUNT', count, 'STREAMS', stream, '>')) as
      | [stream: Buffer, entries: RawEntry[]][]
      | null
    return entriesOf(read?.[0]?.[1] ?? [])
  }

  /** Also one that a Redis has lost, which somebody flushed. */
  private async withGroup<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      if (!/^NOGROUP/.test(wordsOf(error))) throw error
    }
    await this.redis.xgroup('CREATE', this.stream, this.name, '0', 'MKSTREAM').catch(error => {
      // Another process was faster.
      if (!/^BUSYGROUP/.test(wordsOf(error))) throw error
    })
    return deed()
  }
}

/** In pieces of a thousand at most: what one command takes. */
export function* inCommands<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += MOST_PER_COMMAND) yield items.slice(from, from + MOST_PER_COMMAND)
}

/** Those that were deleted while they were worked on are left out. */
function entriesOf(raw: readonly RawEntry[]): StreamEntry[] {
  return raw.flatMap(entry => {
    const data = entry?.[1]?.[1]
    return entry === null || data === undefined ? [] : [{ id: entry[0].toString(), data }]
  })
}
