import type { Permits } from '../caches/driver.js'
import { tenantKey } from '../caches/index.js'
import { type Clock, steady } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'
import type { TenantId } from '../tenants/ids.js'

/** Never more permits are fetched than for this part of a second at the whole rate, but for those who wait. */
const BLOCKS_PER_SECOND = 10
/** Permits are fetched for as long as this, at the pace of late. */
const AHEAD_MS = 500
/** A pace is not judged by less. */
const PACE_MS = 100
/** Smaller blocks are used up before the next is fetched. */
const FETCHED_BEFOREHAND = 4
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
 * How often tenants may ask, over all processes. A process fetches permits by the block, at most a tenth of a second's worth, before its stock runs out; the
 * first block is for those who wait, and later ones grow with what is used. Within any T seconds no more than (T + 2) times the rate is let in, whatever the number
 * of processes.
 */
export class RateLimits {
  constructor(
    private readonly permits: Permits,
    private readonly perSecond: number,
    private readonly now: Clock = steady,
  ) {}

  allowanceOf(tenantId: TenantId): Allowance {
    return new Allowance(this.permits, tenantKey('api', tenantId), this.perSecond, this.now)
  }
}

/** One tenant's, in this process. */
export class Allowance {
  private left = 0
  /** What was left when permits were fetched last, and when that was. */
  private stock = 0
  private fetchedAt = 0
  /** More are fetched when no more than this is left; below 0 they are not fetched beforehand. */
  private lowAt = -1
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
    if (this.left <= this.lowAt && this.fetching === null && now >= this.refusedUntil) this.fetch().catch(() => {})
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
    const asked = this.now()
    const wasIdle = asked >= this.staleAt
    const size = wasIdle ? 1 : this.grown(asked)
    const wanted = Math.max(size, this.waiting)
    const { granted, retryInMs } = await this.permits.take(this.key, { wanted, perSecond: this.perSecond, burst: this.perSecond })
    const now = this.now()
    this.left = granted + (now < this.staleAt ? this.left : 0)
    this.stock = this.left
    this.fetchedAt = now
    this.lowAt = wasIdle || size < FETCHED_BEFOREHAND ? -1 : size / 2
    this.staleAt = now + STOCK_LASTS_MS
    if (granted < wanted) this.refusedUntil = now + Math.max(PAUSE_MS, retryInMs)
  }

  /** By what was used since the last fetch. */
  private grown(now: number): number {
    const used = this.stock - this.left
    return Math.min(this.block, Math.max(1, Math.ceil((used * AHEAD_MS) / Math.max(PACE_MS, now - this.fetchedAt))))
  }
}
