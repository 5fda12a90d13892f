import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'

const EVERY_MS = 1_000

/** What became of the job. */
interface Added {
  /** Ids of jobs that are not added before somebody lets them out. */
  readonly quarantined: readonly string[]
}

/**
 * Sees to it that a job waits once something was accepted, without anyone waiting for it: adds it at most once in a while, and again after what was accepted
 * meanwhile, since the one that was added may have run already. One that could not be added is tried again.
 */
export class Waker {
  private timer: NodeJS.Timeout | null = null
  /** While it is being added, and for a while after that. */
  private isBusy = false
  private isWanted = false
  private isClosed = false
  private isHeldTold = false
  private adding: Promise<void> = Promise.resolve()

  /** `add` answers undefined where nobody needs to be woken. */
  constructor(
    private readonly add: () => Promise<Added | undefined>,
    private readonly log: Log,
    private readonly everyMs = EVERY_MS,
  ) {}

  readonly wake = (): void => {
    this.isWanted = true
    if (!this.isBusy && !this.isClosed) this.go()
  }

  /** Adds the job that is still to be added, and returns when it is. */
  async close(): Promise<void> {
    this.isClosed = true
    if (this.timer !== null) clearTimeout(this.timer)
    await this.adding
    if (this.isWanted) await this.once()
  }

  private go(): void {
    this.isBusy = true
    this.adding = this.once().then(() => this.rest())
  }

  private rest(): void {
    if (this.isClosed) return
    this.timer = setTimeout(() => {
      this.isBusy = false
      if (this.isWanted) this.go()
    }, this.everyMs)
    this.timer.unref()
  }

  private async once(): Promise<void> {
    this.isWanted = false
    try {
      const { quarantined = [] } = (await this.add()) ?? {}
      if (quarantined.length > 0) this.tellHeld()
      else this.isHeldTold = false
    } catch (error) {
      this.isWanted = true
      this.log.warn('analytics: the job that counts events could not be added', { why: wordsOf(error) })
    }
  }

  private tellHeld(): void {
    if (this.isHeldTold) return
    this.isHeldTold = true
    this.log.error('analytics: events are not counted, their job is in quarantine', { look: 'feedctl queue failed' })
  }
}
