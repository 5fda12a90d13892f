import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { WorkerCard } from './board.js'

const EVERY_MS = 1_000
/** How long the end of a worker may wait for a Redis that does not answer. */
const PATIENCE_MS = 1_000

export interface CardTellerParts {
  readonly card: () => WorkerCard
  /** Told every card, also while the board is out of reach. */
  readonly tell: (card: WorkerCard) => void
  readonly put: (card: WorkerCard) => Promise<void>
  /** Also asked while a `put` is under way. */
  readonly remove: () => Promise<void>
  readonly log: Log
}

/** Tells of a worker every second, and at once when asked to. */
export class CardTeller {
  private readonly timer: NodeJS.Timeout
  private writing: Promise<void> | null = null
  private isStale = false

  constructor(private readonly parts: CardTellerParts) {
    this.timer = setInterval(() => this.tellNow(), EVERY_MS).unref()
  }

  tellNow(): void {
    const card = this.parts.card()
    this.hand(card)
    // A Redis that is slow to answer gets one card at a time, and the newest next.
    if (this.writing === null) this.write(card)
    else this.isStale = true
  }

  /** Tells the last card, and takes it off the board. */
  async end(): Promise<void> {
    clearInterval(this.timer)
    this.isStale = false
    this.hand(this.parts.card())
    const remove = () => this.parts.remove().catch(error => this.debug(error))
    // At once, for Redis may be slow to answer the card under way; and after that, for a cluster keeps no order before it is connected.
    await inTime(Promise.all([remove(), this.writing?.then(remove)]))
  }

  private hand(card: WorkerCard): void {
    try {
      this.parts.tell(card)
    } catch (error) {
      this.debug(error)
    }
  }

  private write(card: WorkerCard): void {
    this.isStale = false
    this.writing = this.parts
      .put(card)
      .catch(error => this.debug(error))
      .finally(() => {
        this.writing = null
        if (this.isStale) this.write(this.parts.card())
      })
  }

  private debug(error: unknown): void {
    this.parts.log.debug('the card of this worker', { why: wordsOf(error) })
  }
}

async function inTime(deed: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>(resolve => {
    timer = setTimeout(resolve, PATIENCE_MS)
  })
  await Promise.race([deed, patience]).finally(() => clearTimeout(timer))
}
