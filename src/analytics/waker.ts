import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'

const EVERY_MS = 1_000

/**
 * Sees to it that a job waits once something was accepted, without anyone waiting for it: adds it at most once in a while, and again after what was accepted
 * meanwhile, since the one that was added may have run already. One that could not be added is tried again.
 */
export class Waker {
  private timer: NodeJS.Timeout | null = null
  private isWanted = false
  private isClosed = false
  private adding: Promise<void> = Promise.resolve()

  constructor(
    private readonly add: () => Promise<unknown>,
    private readonly log: Log,
    private readonly everyMs = EVERY_MS,
  ) {}

  readonly wake = (): void => {
    this.isWanted = true
    if (this.timer === null && !this.isClosed) this.go()
  }

  /** Adds the job that is still to be added, and returns when it is. */
  async close(): Promise<void> {
    this.isClosed = true
    if (this.timer !== null) clearTimeout(this.timer)
    await this.adding
    if (this.isWanted) await this.once()
  }

  private go(): void {
    this.adding = this.once()
    this.timer = setTimeout(() => {
      this.timer = null
      if (this.isWanted) this.go()
    }, this.everyMs)
    this.timer.unref()
  }

  private async once(): Promise<void> {
    this.isWanted = false
    try {
      await this.add()
    } catch (error) {
      this.isWanted = true
      this.log.warn('analytics: the job that counts events could not be added', { why: wordsOf(error) })
    }
  }
}
