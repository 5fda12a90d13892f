import { sleep } from '../../kernel/clock.js'
import { wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Board, WorkerCard } from '../board.js'
import type { QueueCounts, QueueDesk } from '../desk.js'
import type { QueueName } from '../names.js'

const EVERY_MS = 1_000
/** What is older says nothing of now. */
const FRESH_MS = 10_000
const CANARY_EVERY_MS = 15_000
/** Longer than a worker may leave it before it is blamed. */
const CANARY_WITHIN_MS = 60_000

export interface Look {
  /** `performance.now()`. */
  readonly at: number
  readonly counts: readonly QueueCounts[]
  /** Of all workers that the board knows, wherever they run. */
  readonly cards: readonly WorkerCard[]
}

/** Reads the queues and the board about once a second, beside the supervisor's loop: a Redis that is slow or away does not hold that up. */
export class QueueWatch {
  private look: Look | null = null
  private away = false
  private readonly stop = new AbortController()
  private readonly canaries = new Map<QueueName, number>()
  private readonly canaryAt = new Map<QueueName, number>()
  private reading: Promise<void> = Promise.resolve()

  constructor(
    private readonly desk: QueueDesk,
    private readonly board: Board,
    private readonly log: Log,
  ) {}

  start(): void {
    this.reading = this.read()
  }

  /** The newest look; null while Redis does not answer. */
  latest(now: number): Look | null {
    return this.look !== null && !this.away && now - this.look.at <= FRESH_MS ? this.look : null
  }

  /** Whether a canary of ours waits in the queue now. */
  canaryWaits(queue: QueueName): boolean {
    return this.canaries.has(queue)
  }

  /** Puts a canary in front of the queue, when the last one is a while ago: a worker with free slots takes it, or does not consume. */
  sendCanary(queue: QueueName, now: number): void {
    if (this.canaries.has(queue) || now - (this.canaryAt.get(queue) ?? Number.NEGATIVE_INFINITY) < CANARY_EVERY_MS) return
    this.canaryAt.set(queue, now)
    this.canaries.set(queue, now)
    void this.desk
      .canary(queue, CANARY_WITHIN_MS, this.stop.signal)
      .catch(error => this.log.debug('a canary', { queue, why: wordsOf(error) }))
      .finally(() => this.canaries.delete(queue))
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.reading
  }

  private async read(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        const [counts, cards] = await Promise.all([this.desk.counts(), this.board.workers()])
        this.look = { at: performance.now(), counts, cards }
        if (this.away) this.log.warn('Redis answers again')
        this.away = false
      } catch (error) {
        if (!this.away && !this.stop.signal.aborted) {
          this.log.warn('Redis does not answer: the workers are kept as they are until it does', { why: wordsOf(error) })
        }
        this.away = true
      }
      await sleep(EVERY_MS, this.stop.signal).catch(() => {})
    }
  }
}
