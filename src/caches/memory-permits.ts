import type { Clock } from '../kernel/clock.js'
import type { PermitAnswer, Permits, PermitTerms } from './driver.js'

/** Buckets that are full again are looked for each time this many were made. */
const SWEEP_EVERY = 1_000

interface Bucket {
  left: number
  /** When `left` was reckoned. */
  at: number
  fullAt: number
}

/** The permits of this process alone. */
export class MemoryPermits implements Permits {
  readonly name = 'memory'
  private readonly buckets = new Map<string, Bucket>()
  private made = 0

  constructor(private readonly now: Clock = Date.now) {}

  /** Buckets that are remembered. */
  get size(): number {
    return this.buckets.size
  }

  async take(key: string, { wanted, perSecond, burst }: PermitTerms): Promise<PermitAnswer> {
    const now = this.now()
    const bucket = this.bucketOf(key, burst, now)
    // A clock that is set back brings nothing.
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, now - bucket.at) * perSecond) / 1000)
    bucket.at = now
    const granted = Math.min(wanted, Math.floor(bucket.left))
    bucket.left -= granted
    bucket.fullAt = now + ((burst - bucket.left) * 1000) / perSecond
    return { granted, retryInMs: bucket.left >= 1 ? 0 : Math.ceil(((1 - bucket.left) * 1000) / perSecond) }
  }

  private bucketOf(key: string, burst: number, now: number): Bucket {
    const known = this.buckets.get(key)
    if (known !== undefined) return known
    this.made++
    if (this.made % SWEEP_EVERY === 0) this.sweep(now)
    const bucket = { left: burst, at: now, fullAt: now }
    this.buckets.set(key, bucket)
    return bucket
  }

  private sweep(now: number): void {
    for (const [key, bucket] of this.buckets) if (bucket.fullAt <= now) this.buckets.delete(key)
  }
}
