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
  /** Of who tries it again. */
  private trial: symbol | null = null
  /** How often it was found away, and how often it has answered anything. */
  private losses = 0
  private signs = 0
  private looking: Promise<void> | null = null

  /** `onAway` is told each time it is found not to answer. */
  constructor(
    private readonly terms: PatienceTerms,
    private readonly onAway: (failure: Failure) => void = () => {},
    private readonly now: Clock = steady,
  ) {}

  /** Whether it is left alone now: a question would not be asked. */
  get away(): boolean {
    return this.awayUntil > 0 && (this.trial !== null || this.now() < this.awayUntil)
  }

  /** It has answered somebody else just now: it is not away. */
  heard(): void {
    this.signs++
    this.awayUntil = 0
    this.trial = null
  }

  /**
   * `look` is a small question: while that is answered, or any other one is, a question that takes longer is waited for.
   * @throws {Failure} UNAVAILABLE when it is away, does not answer in time, or says so itself; what else the deed throws
   */
  async ask<T>(deed: () => Promise<T>, look: (() => Promise<unknown>) | null = null): Promise<T> {
    if (this.away) throw new Failure('UNAVAILABLE', `${this.terms.what} did not answer a moment ago`)
    const mine = Symbol()
    if (this.awayUntil > 0) this.trial = mine
    const { losses } = this
    try {
      const answer = await this.inTime(deed, look)
      // Who asked before it was lost says nothing of it now.
      if (this.trial === mine || losses === this.losses) this.heard()
      return answer
    } catch (error) {
      if (isFailure(error, 'UNAVAILABLE')) this.lost(error, this.trial === mine)
      throw error
    } finally {
      if (this.trial === mine) this.trial = null
    }
  }

  private inTime<T>(deed: () => Promise<T>, look: (() => Promise<unknown>) | null): Promise<T> {
    const { patienceMs, what } = this.terms
    return new Promise((resolve, reject) => {
      let looks = 0
      let { signs } = this
      const looking = setInterval(() => {
        looks++
        if (look !== null && looks === 1) this.lookOnce(look)
        if (looks < LOOKS) return
        looks = 0
        if (look !== null && signs !== this.signs) {
          signs = this.signs
          return
        }
        clearInterval(looking)
        // The next one has a look of its own: this one may never end.
        this.looking = null
        reject(new Failure('UNAVAILABLE', `${what} does not answer in ${patienceMs} ms`))
      }, patienceMs / LOOKS)
      deed()
        .then(resolve, reject)
        .finally(() => clearInterval(looking))
    })
  }

  /** One look for all who wait. */
  private lookOnce(look: () => Promise<unknown>): void {
    if (this.looking !== null) return
    const looking = look()
      .then(
        () => this.heard(),
        () => {},
      )
      .finally(() => {
        if (this.looking === looking) this.looking = null
      })
    this.looking = looking
  }

  private lost(failure: Failure, onTrial: boolean): void {
    if (!this.away || onTrial) this.onAway(failure)
    this.losses++
    this.awayUntil = this.now() + this.terms.awayMs
  }
}
