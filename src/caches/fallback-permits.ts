import type { Clock } from '../kernel/clock.js'
import { steady } from '../kernel/clock.js'
import { type Failure, isFailure } from '../kernel/errors.js'
import type { PermitAnswer, Permits, PermitTerms } from './driver.js'
import { Patience, type PatienceTerms } from './patience.js'

const TERMS: PatienceTerms = { patienceMs: 250, awayMs: 3_000, what: 'Redis' }

/**
 * The far permits, which all processes share, and while those do not answer the near ones of this process: every process then keeps the limit by itself, and
 * nobody waits for it longer than a quarter of a second. Never throws UNAVAILABLE.
 */
export class FallbackPermits implements Permits {
  readonly name = 'fallback'
  private readonly patience: Patience

  /** `onAway` is told each time the far permits are found not to answer. */
  constructor(
    private readonly far: Permits,
    private readonly near: Permits,
    onAway: (failure: Failure) => void = () => {},
    now: Clock = steady,
    terms = TERMS,
  ) {
    this.patience = new Patience(terms, onAway, now)
  }

  async take(key: string, terms: PermitTerms): Promise<PermitAnswer> {
    try {
      return await this.patience.ask(() => this.far.take(key, terms))
    } catch (error) {
      if (!isFailure(error, 'UNAVAILABLE')) throw error
      return this.near.take(key, terms)
    }
  }
}
