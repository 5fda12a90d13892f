import type { Clock } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { GateAnswer, Gates, GateTerms } from './driver.js'

/** A gate that takes longer than this to answer counts as away, ms. */
const PATIENCE_MS = 1_000
/** Counted, and not timed: a process that was held up itself has heard nothing either. */
const LOOKS = 5
/** How long the far gates are left alone after they did not answer; one of those who enter then tries them again, and places that were left are given back. */
const AWAY_MS = 5_000

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
  private awayUntil = 0
  private trying = false
  /** By token. */
  private readonly farPlaces = new Map<string, FarPlace>()
  private givingBack: NodeJS.Timeout | null = null

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
        this.giveBack()
        return answer
      }
    } finally {
      if (isTrial) this.trying = false
    }
    return this.near.enter(key, terms)
  }

  async leave(key: string, token: string): Promise<void> {
    await this.near.leave(key, token)
    const place = this.farPlaces.get(token)
    if (place === undefined) return
    place.isLeft = true
    if (this.awayUntil === 0) await this.leaveFar(token, place)
    else this.giveBackLater()
  }

  /** In both, so that what is known of a host outlasts the far gates' absence. */
  async note(key: string, note: string, ttlS: number): Promise<void> {
    await this.near.note(key, note, ttlS)
    if (this.awayUntil === 0) await this.far.note(key, note, ttlS).catch(error => this.lost(error))
  }

  /** Null when the far gates do not answer in time. */
  private patiently(key: string, terms: GateTerms): Promise<GateAnswer | null> {
    const { token, leaseMs } = terms
    const place = { key, until: this.now() + PATIENCE_MS + leaseMs, isLeft: false }
    this.farPlaces.set(token, place)
    return new Promise((resolve, reject) => {
      let late = false
      let looks = 0
      const looking = setInterval(() => {
        looks++
        if (looks < LOOKS) return
        clearInterval(looking)
        late = true
        place.isLeft = true
        this.giveBackLater()
        this.lost(new Failure('UNAVAILABLE', `the shared host budgets do not answer in ${PATIENCE_MS} ms`))
        resolve(null)
      }, PATIENCE_MS / LOOKS)
      const answered = (answer: GateAnswer) => {
        clearInterval(looking)
        if (!answer.entered) this.farPlaces.delete(token)
        // Nobody waits for this place any more.
        else if (late) void this.leaveFar(token, place)
        resolve(answer)
      }
      const failed = (error: unknown) => {
        clearInterval(looking)
        // Only the answer may be what was lost.
        place.isLeft = true
        this.giveBackLater()
        if (!isFailure(error, 'UNAVAILABLE')) return reject(error)
        if (!late) this.lost(error)
        resolve(null)
      }
      this.far.enter(key, terms).then(answered, failed)
    })
  }

  private giveBack(): void {
    for (const [token, place] of this.farPlaces) if (place.isLeft) void this.leaveFar(token, place)
  }

  /** Who would enter here may have nothing to do any more, while others wait for these places. */
  private giveBackLater(): void {
    if (this.givingBack !== null) return
    this.givingBack = setTimeout(async () => {
      for (const [token, place] of this.farPlaces) if (place.isLeft && !(await this.leaveFar(token, place))) break
      this.givingBack = null
      if ([...this.farPlaces.values()].some(({ isLeft }) => isLeft)) this.giveBackLater()
    }, AWAY_MS).unref()
  }

  /** False when the far gates do not answer: it is to be given back later. */
  private async leaveFar(token: string, place: FarPlace): Promise<boolean> {
    this.farPlaces.delete(token)
    try {
      await this.far.leave(place.key, token)
      return true
    } catch (error) {
      this.farPlaces.set(token, place)
      this.giveBackLater()
      this.lost(error)
      return false
    }
  }

  private lost(error: unknown): void {
    if (!isFailure(error, 'UNAVAILABLE')) throw error
    if (this.awayUntil === 0 || this.trying) this.onAway(error)
    const now = this.now()
    this.awayUntil = now + AWAY_MS
    for (const [token, { until }] of this.farPlaces) if (until < now) this.farPlaces.delete(token)
  }
}
