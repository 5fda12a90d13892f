import { connectionWords } from '../kernel/connection-words.js'
import type { RedisConnection } from '../redis/connection.js'
import type { Board, SupervisorCard, WorkerCard, WorkerDeath } from './board.js'
import { redisFailure } from './redis-failure.js'

const CARD_MS = 15_000
/** How long is remembered how a worker died. */
const DEATH_MS = 24 * 3600 * 1000

type Kind = 'worker' | 'supervisor'

/** The board in Redis: a key per card that expires by itself, and an index of their ids. Closing it closes the connection. */
export class RedisBoard implements Board {
  private readonly why: (error: unknown) => string

  constructor(
    private readonly redis: RedisConnection,
    private readonly prefix: string,
  ) {
    this.why = connectionWords(redis)
  }

  putWorker(card: WorkerCard): Promise<void> {
    return this.put('worker', card.id, card)
  }

  removeWorker(id: string): Promise<void> {
    return this.remove('worker', id)
  }

  workers(): Promise<WorkerCard[]> {
    return this.cards('worker')
  }

  putSupervisor(card: SupervisorCard): Promise<void> {
    return this.put('supervisor', card.id, card)
  }

  removeSupervisor(id: string): Promise<void> {
    return this.remove('supervisor', id)
  }

  supervisors(): Promise<SupervisorCard[]> {
    return this.cards('supervisor')
  }

  noteDeath(death: WorkerDeath): Promise<void> {
    return this.ask(async () => {
      await this.redis.set(this.key('death', death.worker), JSON.stringify(death), 'PX', DEATH_MS)
    })
  }

  deathOf(worker: string): Promise<WorkerDeath | null> {
    return this.ask(async () => {
      const text = await this.redis.get(this.key('death', worker))
      return text === null ? null : (JSON.parse(text) as WorkerDeath)
    })
  }

  /** Ms since the worker last renewed its card, by the clock of Redis; null when it has none. */
  silenceOf(worker: string): Promise<number | null> {
    return this.ask(async () => {
      const left = await this.redis.pttl(this.key('worker', worker))
      return left < 0 ? null : CARD_MS - left
    })
  }

  /** Says which job the worker runs with nothing beside it, until it says that it has ended: null. Kept a day, for those who look after its death. */
  putAlone(worker: string, job: string | null): Promise<void> {
    const key = this.key('alone', worker)
    return this.ask(async () => {
      if (job === null) await this.redis.del(key)
      else await this.redis.set(key, job, 'PX', DEATH_MS)
    })
  }

  aloneIn(worker: string): Promise<string | null> {
    return this.ask(() => this.redis.get(this.key('alone', worker)))
  }

  async close(): Promise<void> {
    this.redis.disconnect()
  }

  private put(kind: Kind, id: string, card: WorkerCard | SupervisorCard): Promise<void> {
    const index = this.key(`${kind}s`)
    return this.ask(async () => {
      const answers = await this.redis
        .multi()
        .set(this.key(kind, id), JSON.stringify(card), 'PX', CARD_MS)
        .sadd(index, id)
        .pexpire(index, CARD_MS)
        .exec()
      for (const [error] of answers ?? []) if (error !== null) throw error
    })
  }

  private remove(kind: Kind, id: string): Promise<void> {
    return this.ask(async () => {
      await Promise.all([this.redis.del(this.key(kind, id)), this.redis.srem(this.key(`${kind}s`), id)])
    })
  }

  private cards<T extends WorkerCard | SupervisorCard>(kind: Kind): Promise<T[]> {
    const index = this.key(`${kind}s`)
    return this.ask(async () => {
      const ids = await this.redis.smembers(index)
      if (ids.length === 0) return []
      const texts = await this.redis.mget(ids.map(id => this.key(kind, id)))
      const gone = ids.filter((_, at) => texts[at] == null)
      // One that is renewed just now puts itself back with its next card.
      if (gone.length > 0) await this.redis.srem(index, ...gone)
      const cards = texts.filter(text => text !== null).map(text => JSON.parse(text) as T)
      return cards.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
    })
  }

  private key(...parts: readonly string[]): string {
    return [`{${this.prefix}}:board`, ...parts].join(':')
  }

  private async ask<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw redisFailure('the board', this.why(error), error)
    }
  }
}
