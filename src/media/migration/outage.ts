import { type Clock, sleep, steady } from '../../kernel/clock.js'
import { type Failure, isFailure } from '../../kernel/errors.js'
import { backoffMs } from '../../kernel/retry.js'
import { BucketLost, JournalLost } from './lost.js'

export interface OutageOptions {
  /** How long nothing may go well before it is given up. */
  readonly patienceMs: number
  readonly note: (line: string) => void
  /** Asks the bucket for something that costs nothing; rejects when it does not answer. */
  readonly ask: () => Promise<unknown>
  readonly clock?: Clock
}

const BACKOFF = { firstMs: 250, maxMs: 5_000 }
/** So often a call fails while others go well before it is its own fault. */
const OWN_FAULT = 5
/** So many refusals in a row are not the files' fault. */
const REFUSALS = 20

/** Patience with a bucket that is away: what it cannot do now waits, and goes on when it is back. */
export class Outage {
  private heardAt = Number.NEGATIVE_INFINITY
  /** When the first call failed of those since the bucket was heard of; null while all is well. */
  private badSince: number | null = null
  private refusals = 0
  private asking: Promise<void> | null = null
  private readonly now: Clock

  constructor(private readonly options: OutageOptions) {
    this.now = options.clock ?? steady
  }

  /** A request went well, a part of a long deed too. */
  heard(): void {
    this.heardAt = this.now()
    if (this.badSince === null) return
    this.badSince = null
    this.options.note('the bucket answers again: going on')
  }

  /** The bucket took a file: what it refused before were these files alone. */
  took(): void {
    this.refusals = 0
  }

  /**
   * What the deed comes to, tried again while the bucket is away. A deed that tells of what it got done has not failed in vain.
   * @throws {Failure} BucketLost when nothing goes well for as long as the patience lasts, or all is refused; UNAVAILABLE when only this deed does not
   * go well; what else the deed throws
   */
  async bridge<T>(deed: (gotOn: () => void) => Promise<T>, signal: AbortSignal): Promise<T> {
    let alone = 0
    const gotOn = () => {
      alone = 0
    }
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await deed(gotOn)
        this.heard()
        return result
      } catch (error) {
        if (isFailure(error, 'BUCKET_REFUSED')) this.refused(error)
        if (!isFailure(error, 'UNAVAILABLE') || error instanceof JournalLost) throw error
        signal.throwIfAborted()
        const failedAt = this.now()
        await this.ask()
        if (this.heardAt >= failedAt) alone++
        else this.bad(error, failedAt)
        if (alone >= OWN_FAULT) throw error
        await sleep(backoffMs(attempt, BACKOFF, Math.random()), signal)
      }
    }
  }

  /** Whether it is the bucket, or only what was asked of it. */
  private ask(): Promise<void> {
    this.asking ??= this.options
      .ask()
      .then(
        () => this.heard(),
        () => {},
      )
      .finally(() => {
        this.asking = null
      })
    return this.asking
  }

  private refused(failure: Failure): void {
    if (++this.refusals >= REFUSALS) throw new BucketLost(failure, `the bucket refused ${REFUSALS} requests in a row`)
  }

  private bad(failure: Failure, failedAt: number): void {
    const { patienceMs, note } = this.options
    if (this.badSince === null) {
      this.badSince = failedAt
      note(`the bucket cannot now, waiting for it up to ${Math.round(patienceMs / 1000)} s: ${failure.message}`)
    }
    const awayMs = this.now() - this.badSince
    if (awayMs > patienceMs) throw new BucketLost(failure, `the bucket did not come back within ${Math.round(awayMs / 1000)} s`)
  }
}
