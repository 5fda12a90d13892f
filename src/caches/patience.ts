import { type Clock, steady } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'

/** Counted, and not timed: a process that was held up itself has heard nothing either. */
const LOOKS = 5

export interface PatienceTerms {
  /** What takes longer than this counts as away, ms. */
  readonly patienceMs: number
  /** How long it is left alone then; one of those who ask tries it again after that. */
  readonly awayMs: number
  /** What does not answer, for the words of a failure. */
  readonly what: string
}

/** Asks something that may be away, or silent: not for longer than it has patience, and not again at once. */
export class Patience {
  private awayUntil = 0
  private trying = false

  /** `onAway` is told each time it is found not to answer. */
  constructor(
    private readonly terms: PatienceTerms,
    private readonly onAway: (failure: Failure) => void = () => {},
    private readonly now: Clock = steady,
  ) {}

  /** Whether it is left alone now: a question would not be asked. */
  get away(): boolean {
    return this.awayUntil > 0 && (this.trying || this.now() < this.awayUntil)
  }

  /** @throws {Failure} UNAVAILABLE when it is away, does not answer in time, or says so itself; what else the deed throws */
  async ask<T>(deed: () => Promise<T>): Promise<T> {
    if (this.away) throw new Failure('UNAVAILABLE', `${this.terms.what} did not answer a moment ago`)
    this.trying = this.awayUntil > 0
    try {
      const answer = await this.inTime(deed)
      this.awayUntil = 0
      return answer
    } catch (error) {
      if (isFailure(error, 'UNAVAILABLE')) this.lost(error)
      throw error
    } finally {
      this.trying = false
    }
  }

  private inTime<T>(deed: () => Promise<T>): Promise<T> {
    const { patienceMs, what } = this.terms
    return new Promise((resolve, reject) => {
      let looks = 0
      const looking = setInterval(() => {
        looks++
        if (looks < LOOKS) return
        clearInterval(looking)
        reject(new Failure('UNAVAILABLE', `${what} does not answer in ${patienceMs} ms`))
      }, patienceMs / LOOKS)
      deed()
        .then(resolve, reject)
        .finally(() => clearInterval(looking))
    })
  }

  private lost(failure: Failure): void {
    if (!this.away || this.trying) this.onAway(failure)
    this.awayUntil = this.now() + this.terms.awayMs
  }
}
