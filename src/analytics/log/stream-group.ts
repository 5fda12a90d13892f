import { wordsOf } from '../../kernel/errors.js'
import type { RedisConnection } from '../../redis/connection.js'

/** As old as nothing that is worked on gets: what is given back can be claimed at once. */
const GIVEN_BACK_MS = 7 * 86_400_000

export interface StreamEntry {
  readonly id: string
  readonly data: Buffer
}

type RawEntry = [id: Buffer, fields: Buffer[] | null] | null

/** This process among those that read the stream. */
export class StreamGroup {
  readonly name = 'counting'
  private hasRead = false

  constructor(
    private readonly redis: RedisConnection,
    private readonly stream: string,
    private readonly consumer: string,
    private readonly deadAfterMs: number,
  ) {}

  /** Entries that nobody works on, as many as that at most: those of dead readers first. The group, and the stream, are made where there are none. */
  async read(count: number): Promise<StreamEntry[]> {
    this.hasRead = true
    const claimed = await this.withGroup(() => this.claim(count))
    return claimed.length > 0 ? claimed : this.withGroup(() => this.readNew(count))
  }

  /** They are still worked on. */
  async keep(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.redis.xclaim(this.stream, this.name, this.consumer, 0, ...ids, 'JUSTID')
  }

  async giveBack(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await this.redis.xclaim(this.stream, this.name, this.consumer, 0, ...ids, 'IDLE', GIVEN_BACK_MS, 'JUSTID')
  }

  /** Unless entries are still this one's: who deletes a consumer deletes what it has read. */
  async leave(): Promise<void> {
    if (!this.hasRead) return
    const pending = (await this.redis.xpending(this.stream, this.name, '-', '+', 1, this.consumer)) as unknown[]
    if (pending.length === 0) await this.redis.xgroup('DELCONSUMER', this.stream, this.name, this.consumer)
  }

  private async claim(count: number): Promise<StreamEntry[]> {
    const entries: StreamEntry[] = []
    for (let from = '0-0'; ; ) {
      const [next, raw] = (await this.redis.callBuffer(
        'XAUTOCLAIM',
        this.stream,
        this.name,
        this.consumer,
        this.deadAfterMs,
        from,
        'COUNT',
        count,
      )) as [Buffer, RawEntry[]]
      entries.push(...entriesOf(raw))
      from = next.toString()
      // It looks at so many at a time, those that others work on included.
      if (from === '0-0' || entries.length > 0) return entries
    }
  }

  private async readNew(count: number): Promise<StreamEntry[]> {
    const read = (await this.redis.callBuffer(
      'XREADGROUP',
      'GROUP',
      this.name,
      this.consumer,
      'COUNT',
      count,
      'STREAMS',
      this.stream,
      '>',
    )) as [stream: Buffer, entries: RawEntry[]][] | null
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

/** Those that were deleted while they were worked on are left out. */
function entriesOf(raw: readonly RawEntry[]): StreamEntry[] {
  return raw.flatMap(entry => {
    const data = entry?.[1]?.[1]
    return entry === null || data === undefined ? [] : [{ id: entry[0].toString(), data }]
  })
}
