import { type Clock, steady } from '../../kernel/clock.js'
import type { Known } from '../known.js'

/** What one tenant may have of the whole. */
const SHARE = 1 / 8
/** Who had too much is not asked what else it has for so long. */
const REST_MS = 1_000

/**
 * How many bytes this process may put where they are kept for `keptMs`: of what it has put there are never more than `bytes`, and of one tenant never more than an
 * eighth. Half of that may be put at once, and the other half comes anew while that is kept.
 */
export class ByteBudget {
  private readonly whole: Bucket
  private readonly tenants = new WeakMap<Known, Bucket>()

  constructor(
    private readonly bytes: number,
    private readonly keptMs: number,
    private readonly now: Clock = steady,
  ) {
    this.whole = this.bucketOf(1)
  }

  /** Whether there is hope that the tenant may put something now. */
  has(known: Known): boolean {
    const now = this.now()
    return now >= this.whole.restsUntil && now >= this.tenant(known).restsUntil
  }

  /** False when it is too much, and nothing is spent. */
  spend(known: Known, bytes: number): boolean {
    const now = this.now()
    const own = this.tenant(known)
    for (const bucket of [own, this.whole]) {
      if (bucket.left(now) >= bytes) continue
      bucket.restsUntil = now + REST_MS
      return false
    }
    this.whole.take(bytes)
    own.take(bytes)
    return true
  }

  private tenant(known: Known): Bucket {
    const bucket = this.tenants.get(known) ?? this.bucketOf(SHARE)
    this.tenants.set(known, bucket)
    return bucket
  }

  private bucketOf(share: number): Bucket {
    return new Bucket((this.bytes * share) / 2, this.keptMs, this.now())
  }
}

/** Full at first, and full again after `fillMs`. */
class Bucket {
  restsUntil = 0
  private has: number

  constructor(
    private readonly size: number,
    private readonly fillMs: number,
    private at: number,
  ) {
    this.has = size
  }

  left(now: number): number {
    this.has = Math.min(this.size, this.has + (Math.max(0, now - this.at) * this.size) / this.fillMs)
    this.at = now
    return this.has
  }

  take(amount: number): void {
    this.has -= amount
  }
}
