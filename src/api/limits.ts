import type { Permits } from '../caches/driver.js'
import { type Clock, steady } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'
import type { TenantId } from '../tenants/ids.js'

/** Permits are fetched for this part of a second. */
const BLOCKS_PER_SECOND = 10
/** What was fetched and not used is worth nothing after this time: a process must not save for a flood. */
const STOCK_LASTS_MS = 1_000
/** For how long nobody asks again when there were none. */
const PAUSE_MS = 25

/** A tenant asks more often than it may. */
export class RateRefusal extends Failure {
  /** To be sent with the refusal. */
  readonly headers: Readonly<Record<string, string>>

  constructor(perSecond: number, waitMs: number) {
    const waitS = Math.max(1, Math.ceil(waitMs / 1000))
    super('RATE_LIMITED', `more than ${perSecond} requests per second`, {
      hint: 'wait as long as retry-after says',
      retryAfterS: waitS,
    })
    this.headers = { 'ratelimit-limit': String(perSecond), 'ratelimit-remaining': '0', 'ratelimit-reset': String(waitS) }
  }
}

/**
 * How often tenants may ask, over all processes. A process fetches permits by the block, a tenth of a second's worth, before its stock runs out: within any T
 * seconds no more than (T + 2) times the rate is let in, whatever the number of processes.
 */
export class RateLimits {
  constructor(
    private readonly permits: Permits,
    private readonly perSecond: number,
    private readonly now: Clock = steady,
  ) {}

  allowanceOf(tenantId: TenantId): Allowance {
    return new Allowance(this.permits, `api:${tenantId}`, this.perSecond, this.now)
  }
}

/** One tenant's, in this process. */
export class Allowance {
  private left = 0
  private staleAt = 0
  private refusedUntil = 0
  private waiting = 0
  private fetching: Promise<void> | null = null
  private readonly block: number

  constructor(
    private readonly permits: Permits,
    private readonly key: string,
    private readonly perSecond: number,
    private readonly now: Clock,
  ) {
    this.block = Math.max(1, Math.ceil(perSecond / BLOCKS_PER_SECOND))
  }

  /** Lets one request in from what is in stock. False says nothing but that there is none: `admit` knows more. */
  take(now: number): boolean {
    if (this.perSecond === 0) return true
    if (this.left < 1 || now >= this.staleAt) return false
    this.left--
    if (this.left * 2 <= this.block && this.fetching === null && now >= this.refusedUntil) this.fetch().catch(() => {})
    return true
  }

  /** Lets one request in. @throws {RateRefusal} */
  async admit(): Promise<void> {
    while (!this.take(this.now())) {
      const waitMs = this.refusedUntil - this.now()
      if (waitMs > 0) throw new RateRefusal(this.perSecond, waitMs)
      this.waiting++
      try {
        await (this.fetching ?? this.fetch())
      } finally {
        this.waiting--
      }
    }
  }

  private fetch(): Promise<void> {
    this.fetching = this.fetchNow().finally(() => {
      this.fetching = null
    })
    return this.fetching
  }

  private async fetchNow(): Promise<void> {
    // Those who wait are all counted by the time it is asked.
    await Promise.resolve()
    const wanted = Math.max(this.block, this.waiting)
    const { granted, retryInMs } = await this.permits.take(this.key, { wanted, perSecond: this.perSecond, burst: this.perSecond })
    const now = this.now()
    this.left = granted + (now < this.staleAt ? this.left : 0)
    this.staleAt = now + STOCK_LASTS_MS
    if (granted < wanted) this.refusedUntil = now + Math.max(PAUSE_MS, retryInMs)
  }
}
