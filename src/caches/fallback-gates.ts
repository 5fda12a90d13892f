import type { Clock } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { GateAnswer, Gates, GateTerms } from './driver.js'

/** A gate that takes longer than this to answer counts as away, ms. */
const PATIENCE_MS = 1_000
/** Counted, and not timed: a process that was held up itself has heard nothing either. */
const LOOKS = 5
/** How long the far gates are left alone after they did not answer; one of those who enter then tries them again. */
const AWAY_MS = 5_000

/**
 * The far gates, which all processes share, and while those do not answer the near ones of this process: fewer promises, but nobody is kept
 * out by it and nobody waits for it longer than a second. Never throws UNAVAILABLE.
 */
export class FallbackGates implements Gates {
  readonly name = 'fallback'
  private awayUntil = 0
  private trying = false

  /** `onAway` is told each time the far gates are found not to answer. */
  constructor(
    private readonly far: Gates,
    private readonly near: Gates,
    private readonly onAway: (failure: Failure) => void = () => {},
    private readonly now: Clock = Date.now,
  ) {}

  async enter(key: string, terms: GateTerms): Promise<GateAnswer> {
    const isTrial = this.awayUntil > 0
    if (isTrial) {
      if (this.trying || this.now() < this.awayUntil) return this.near.enter(key, terms)
      this.trying = true
    }
    try {
      const answer = await this.patiently(key, terms)
      if (answer !== null) {
        this.awayUntil = 0
        return answer
      }
    } finally {
      if (isTrial) this.trying = false
    }
    return this.near.enter(key, terms)
  }

  async leave(key: string, token: string): Promise<void> {
    await this.near.leave(key, token)
    if (this.awayUntil === 0) await this.far.leave(key, token).catch(error => this.lost(error))
  }

  /** In both, so that what is known of a host outlasts the far gates' absence. */
  async note(key: string, note: string, ttlS: number): Promise<void> {
    await this.near.note(key, note, ttlS)
    if (this.awayUntil === 0) await this.far.note(key, note, ttlS).catch(error => this.lost(error))
  }

  /** Null when the far gates do not answer in time. */
  private patiently(key: string, terms: GateTerms): Promise<GateAnswer | null> {
    return new Promise((resolve, reject) => {
      let late = false
      let looks = 0
      const looking = setInterval(() => {
        looks++
        if (looks < LOOKS) return
        clearInterval(looking)
        late = true
        this.lost(new Failure('UNAVAILABLE', `the shared host budgets do not answer in ${PATIENCE_MS} ms`))
        resolve(null)
      }, PATIENCE_MS / LOOKS)
      const answered = (answer: GateAnswer) => {
        clearInterval(looking)
        // Nobody waits for this place any more.
        if (late && answer.entered) this.far.leave(key, terms.token).catch(() => {})
        resolve(answer)
      }
      const failed = (error: unknown) => {
        clearInterval(looking)
        if (!isFailure(error, 'UNAVAILABLE')) return reject(error)
        if (!late) this.lost(error)
        resolve(null)
      }
      this.far.enter(key, terms).then(answered, failed)
    })
  }

  private lost(error: unknown): void {
    if (!isFailure(error, 'UNAVAILABLE')) throw error
    if (this.awayUntil === 0 || this.trying) this.onAway(error)
    this.awayUntil = this.now() + AWAY_MS
  }
}
