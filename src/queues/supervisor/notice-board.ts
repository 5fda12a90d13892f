import { wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Board, SupervisorCard, WorkerDeath } from '../board.js'

const CARD_EVERY_MS = 2_000
const DEATHS_KEPT = 100

/** What the supervisor writes on the board, beside its loop: while Redis is away its card is late, and deaths wait. */
export class NoticeBoard {
  private readonly deaths: WorkerDeath[] = []
  private writing: Promise<void> | null = null
  private wroteAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly board: Board,
    private readonly log: Log,
  ) {}

  noteDeath(death: WorkerDeath): void {
    this.deaths.push(death)
    if (this.deaths.length > DEATHS_KEPT) this.deaths.shift()
  }

  /** Writes what is due; `now` is ms of a clock that never goes back. */
  step(now: number, card: () => SupervisorCard): void {
    const due = this.deaths.length > 0 || now - this.wroteAt >= CARD_EVERY_MS
    if (this.writing !== null || !due) return
    this.wroteAt = now
    this.writing = this.write(card()).finally(() => {
      this.writing = null
    })
  }

  /** Writes the last deaths and takes the card away. */
  async close(id: string): Promise<void> {
    await this.writing
    try {
      await this.writeDeaths()
      await this.board.removeSupervisor(id)
    } catch (error) {
      this.log.debug("the supervisor's card stays until it is stale", { why: wordsOf(error) })
    }
  }

  private async write(card: SupervisorCard): Promise<void> {
    try {
      await this.writeDeaths()
      await this.board.putSupervisor(card)
    } catch (error) {
      this.log.debug("the supervisor's card", { why: wordsOf(error) })
    }
  }

  private async writeDeaths(): Promise<void> {
    for (let death = this.deaths[0]; death !== undefined; death = this.deaths[0]) {
      await this.board.noteDeath(death)
      // In this order: whoever finds no card and no death does not know what became of the worker.
      await this.board.removeWorker(death.worker)
      this.deaths.shift()
    }
  }
}
