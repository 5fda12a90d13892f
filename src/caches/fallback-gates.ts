import { type Clock, steady } from '../kernel/clock.js'
import { type Failure, isFailure } from '../kernel/errors.js'
import type { GateAnswer, Gates, GateTerms } from './driver.js'
import { Patience, type PatienceTerms } from './patience.js'

const TERMS: PatienceTerms = { patienceMs: 1_000, awayMs: 5_000, what: 'Redis' }

/** A far place that may be taken: its holder has entered, or was not answered. */
interface FarPlace {
  readonly key: string
  /** When its lease is over: not before that, and hardly later. */
  readonly until: number
  /** Nobody is in it any more, and the far gates were not told. */
  isLeft: boolean
}

/**
 * The far gates, which all processes share, and while those do not answer the near ones of this process: fewer promises, but nobody is kept
 * out by it and nobody waits for it longer than a second. Far places that are left meanwhile are given back once the far gates answer again: else
 * they would stay taken until their leases end. Never throws UNAVAILABLE.
 */
export class FallbackGates implements Gates {
  readonly name = 'fallback'
  private readonly patience: Patience
  /** By token. */
  private readonly farPlaces = new Map<string, FarPlace>()
  private givingBack: NodeJS.Timeout | null = null

  /** `onAway` is told each time the far gates are found not to answer. */
  constructor(
    private readonly far: Gates,
    private readonly near: Gates,
    onAway: (failure: Failure) => void = () => {},
    private readonly now: Clock = steady,
    private readonly terms = TERMS,
  ) {
    this.patience = new Patience(terms, onAway, now)
  }

  async enter(key: string, terms: GateTerms): Promise<GateAnswer> {
    const answer = this.patience.away ? null : await this.enterFar(key, terms)
    return answer ?? this.near.enter(key, terms)
  }

  async leave(key: string, token: string): Promise<void> {
    await this.near.leave(key, token)
    const place = this.farPlaces.get(token)
    if (place === undefined) return
    place.isLeft = true
    await this.leaveFar(token, place)
  }

  /** In both, so that what is known of a host outlasts the far gates' absence. */
  async note(key: string, note: string, ttlS: number): Promise<void> {
    await this.near.note(key, note, ttlS)
    await this.patience.ask(() => this.far.note(key, note, ttlS)).catch(ignoreAway)
  }

  /** Null when the far gates do not answer in time: then nobody waits for the place any more. */
  private async enterFar(key: string, terms: GateTerms): Promise<GateAnswer | null> {
    const { token, leaseMs } = terms
    const place = { key, until: this.now() + this.terms.patienceMs + leaseMs, isLeft: false }
    this.farPlaces.set(token, place)
    try {
      const answer = await this.patience.ask(() => this.far.enter(key, terms))
      if (!answer.entered) this.farPlaces.delete(token)
      void this.giveBack()
      return answer
    } catch (error) {
      // Only the answer may be what was lost.
      place.isLeft = true
      this.giveBackLater()
      ignoreAway(error)
      return null
    }
  }

  /** Stops at the first that the far gates do not answer for. */
  private async giveBack(): Promise<void> {
    for (const [token, place] of this.farPlaces) if (place.isLeft && !(await this.leaveFar(token, place))) return
  }

  /** Who would enter here may have nothing to do any more, while others wait for these places. */
  private giveBackLater(): void {
    if (this.givingBack !== null) return
    this.givingBack = setTimeout(async () => {
      const now = this.now()
      for (const [token, { until }] of this.farPlaces) if (until < now) this.farPlaces.delete(token)
      await this.giveBack()
      this.givingBack = null
      if ([...this.farPlaces.values()].some(({ isLeft }) => isLeft)) this.giveBackLater()
    }, this.terms.awayMs).unref()
  }

  /** False when the far gates do not answer: it is to be given back later. */
  private async leaveFar(token: string, place: FarPlace): Promise<boolean> {
    this.farPlaces.delete(token)
    try {
      await this.patience.ask(() => this.far.leave(place.key, token))
      return true
    } catch (error) {
      this.farPlaces.set(token, place)
      this.giveBackLater()
      ignoreAway(error)
      return false
    }
  }
}

function ignoreAway(error: unknown): void {
  if (!isFailure(error, 'UNAVAILABLE')) throw error
}
