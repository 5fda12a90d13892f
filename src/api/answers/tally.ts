import type { NearAnswers } from './near.js'

/** What became of requests that ready answers serve, in plain numbers: counting costs nothing where every microsecond does. */
export class AnswerTally {
  /** Sent past fastify: whole, and as 304. */
  lane = 0
  laneUnchanged = 0
  near = 0
  far = 0
  built = 0
  stale = 0

  constructor(private readonly nearAnswers: NearAnswers) {}

  get from(): Readonly<Record<'near' | 'far' | 'built' | 'stale', number>> {
    return { near: this.near + this.lane + this.laneUnchanged, far: this.far, built: this.built, stale: this.stale }
  }

  /** Share of the answers that nothing was asked for, 0 to 1; 0 before the first. */
  get hitRatio(): number {
    const { near, far, built, stale } = this.from
    return (near + far) / Math.max(1, near + far + built + stale)
  }

  get entries(): number {
    return this.nearAnswers.entries
  }

  get bytes(): number {
    return this.nearAnswers.heldBytes
  }
}
