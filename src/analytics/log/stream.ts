import { connectionWords } from '../../kernel/connection-words.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { newHolder } from '../../kernel/holder.js'
import type { Log } from '../../kernel/log.js'
import type { RedisConnection } from '../../redis/connection.js'
import { type EventBatch, tenantsOf } from '../event-batch.js'
import { allKept } from './all-kept.js'
import { encodeBatch } from './codec.js'
import type { Backlog, EventLog, TakenBatches } from './driver.js'
import { EntryGathering } from './entry-gathering.js'
import { Gauge } from './gauge.js'
import { Portion } from './portion.js'
import { batchesIn } from './stream-entries.js'
import { inCommands, StreamGroup } from './stream-group.js'
import { StreamHeld } from './stream-held.js'
import { type EntryFacts, StreamScripts } from './stream-scripts.js'

/** A taker that says nothing for so long is dead: it claims what it works on anew more often. */
const DEAD_AFTER_MS = 60_000
/** Before anything is known of entries: they may be large. */
const FIRST_ENTRIES = 4
const MOST_ENTRIES_PER_READ = 64
/** What is taken is told to Redis to be worked on, again and again. */
const MOST_ENTRIES_PER_TAKE = 10_000

export interface StreamOptions {
  readonly redis: RedisConnection
  /** Of the installation's keys. */
  readonly prefix: string
  readonly maxBytes: number
  readonly log: Log
}

/** Batches in a stream of Redis, read by a group of consumers. An entry that is counted is deleted. */
export class EventStream implements EventLog {
  readonly name = 'stream'
  private readonly scripts: StreamScripts
  private readonly group: StreamGroup
  private readonly held: StreamHeld
  private readonly gauge: Gauge
  private readonly gathering: EntryGathering
  private readonly taken = new Set<EntryFacts>()
  private readonly why: (error: unknown) => string
  private keeping: NodeJS.Timeout | null = null
  private hasTaken = false
  /** Ids of entries that nobody counts, since they cannot be read: they look as if they were worked on. */
  private readonly unreadable = new Set<string>()

  constructor(private readonly options: StreamOptions) {
    const { redis, prefix, maxBytes } = options
    const keys = { stream: `{${prefix}}:event-log`, sums: `{${prefix}}:event-log:sums` }
    this.scripts = new StreamScripts(redis, keys)
    this.group = new StreamGroup(redis, keys.stream, newHolder(), DEAD_AFTER_MS)
    const held = new StreamHeld(redis, `{${prefix}}:event-log:held`)
    this.held = held
    this.gauge = new Gauge({ backlog: () => this.backlog(), held: () => held.read() }, maxBytes)
    this.gathering = new EntryGathering((entry, batches) => this.scripts.append(entry, batches))
    this.why = connectionWords(redis)
  }

  append(batch: EventBatch): Promise<void> {
    return this.asking(async () => {
      const encoded = encodeBatch(batch)
      await this.gauge.admit(batch.tenantId, encoded.length)
      await this.gathering.add(encoded)
    })
  }

  putBehind(batches: readonly EventBatch[]): Promise<void> {
    return this.asking(async () => {
      await this.held.add(tenantsOf(batches))
      await allKept(batches.map(batch => this.gathering.add(encodeBatch(batch))))
    })
  }

  take(maxEvents: number): Promise<TakenBatches | null> {
    return this.asking(async () => {
      const entries: EntryFacts[] = []
      const portion = new Portion(maxEvents)
      const { batches } = portion
      this.hasTaken = true
      try {
        await this.fill(entries, portion)
      } catch (error) {
        await this.giveBack(entries).catch(() => {})
        throw error
      }
      if (batches.length === 0) return null
      const end = (deed: () => Promise<void>) => () => this.asking(deed)
      return { batches, done: end(() => this.forget(entries)), giveBack: end(() => this.giveBack(entries)) }
    })
  }

  backlog(): Promise<Backlog> {
    return this.asking(async () => {
      const { entries, bytes, batches, oldestId } = await this.scripts.backlog()
      // Sums that outlived the stream say nothing.
      if (entries === 0) return { batches: 0, bytes: 0, oldestAt: null }
      return { batches: Math.max(batches, entries), bytes: Math.max(bytes, 0), oldestAt: Number(oldestId.split('-')[0]) }
    })
  }

  isTaken(): Promise<boolean> {
    return this.asking(async () => (await this.group.pending()) > this.unreadable.size)
  }

  async close(): Promise<void> {
    try {
      await this.giveBack([...this.taken])
      if (this.hasTaken) await this.scripts.leave(this.group.name, this.group.consumer)
    } catch (error) {
      this.options.log.debug('analytics: what was taken is given back by time', { why: this.why(error) })
    } finally {
      if (this.keeping !== null) clearInterval(this.keeping)
      this.options.redis.disconnect()
    }
  }

  private async fill(entries: EntryFacts[], portion: Portion): Promise<void> {
    const read = this.group.reading()
    let wanted = FIRST_ENTRIES
    for (let seen = 0; !portion.isFull && seen < MOST_ENTRIES_PER_TAKE; ) {
      const found = await read(wanted)
      if (found.length === 0) return
      seen += found.length
      const surplus: string[] = []
      for (const { id, data } of found) {
        if (portion.isFull) surplus.push(id)
        else this.add(entries, portion, id, data)
      }
      await this.group.giveBack(surplus)
      if (entries.length > 0) wanted = Math.min(portion.roomFor(entries.length), MOST_ENTRIES_PER_READ)
    }
  }

  private add(entries: EntryFacts[], portion: Portion, id: string, data: Buffer): void {
    const found = this.decode(id, data)
    if (found === null) return
    const facts = { id, batches: found.length, bytes: data.length }
    entries.push(facts)
    this.hold(facts)
    portion.add(found, data.length)
  }

  /** Null for what cannot be read. It stays: once it looks as if its reader were dead, others try, among them a later feedctl. */
  private decode(id: string, data: Buffer): EventBatch[] | null {
    try {
      return batchesIn(data)
    } catch (error) {
      this.unreadable.add(id)
      this.options.log.error('analytics: an entry of the stream cannot be read', { entry: id, why: wordsOf(error) })
      return null
    }
  }

  private hold(facts: EntryFacts): void {
    this.taken.add(facts)
    this.keeping ??= setInterval(() => void this.keep(), DEAD_AFTER_MS / 4).unref()
  }

  /** What could not be kept others count as well: once, but it is work for nothing. */
  private async keep(): Promise<void> {
    try {
      for (const some of inCommands([...this.taken])) {
        // Some may have been given back since.
        const still = some.filter(entry => this.taken.has(entry))
        await this.group.keep(still.map(({ id }) => id))
      }
    } catch (error) {
      this.options.log.warn('analytics: others may take what is being counted', { why: this.why(error) })
    }
  }

  private async forget(entries: readonly EntryFacts[]): Promise<void> {
    for (const some of inCommands(entries.filter(entry => this.taken.has(entry)))) {
      await this.scripts.forget(this.group.name, some)
      this.release(some)
    }
  }

  private async giveBack(entries: readonly EntryFacts[]): Promise<void> {
    for (const some of inCommands(entries.filter(entry => this.taken.has(entry)))) {
      // Before it is said: what keeps those that are worked on would take these back.
      this.release(some)
      await this.group.giveBack(some.map(({ id }) => id)).catch(error => {
        for (const entry of some) this.hold(entry)
        throw error
      })
    }
  }

  private release(entries: readonly EntryFacts[]): void {
    for (const entry of entries) this.taken.delete(entry)
    if (this.taken.size > 0 || this.keeping === null) return
    clearInterval(this.keeping)
    this.keeping = null
  }

  private async asking<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      if (error instanceof Failure) throw error
      throw streamFailure(this.why(error), error)
    }
  }
}

function streamFailure(words: string, cause: unknown): Failure {
  if (/\bOOM\b/.test(words)) {
    const hint = 'raise maxmemory of Redis, or take away what else fills it'
    return new Failure('REDIS_FULL', `Redis has no memory left for events: ${words}`, { cause, hint })
  }
  return new Failure('UNAVAILABLE', `the stream of events does not answer: ${words}`, {
    cause,
    hint: 'check REDIS_URL and that Redis runs',
  })
}
