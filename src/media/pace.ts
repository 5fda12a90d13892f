import type { RequestOutcome } from './disks/driver.js'
import { Latencies } from './latencies.js'

/** A window has at least so many requests, or as many as are in flight, and lasts at least so long. */
const WINDOW_REQUESTS = 8
const WINDOW_REQUESTS_MOST = 64
const WINDOW_MS = 100
/** So many refusals are no accident. */
const THROTTLED = 2
const FAILED = 3
const FAILED_SHARE = 0.1
/** Latency as a multiple of the unloaded one: from which no more is added, doubling ends, and less is asked for. */
const LOADED = 2
const CLIMBED = 3
const OVERLOADED = 5
/** So many windows in a row are no noise. */
const SLOW_WINDOWS = 2
const BETWEEN_STEPS_MS = 500
const REST_AFTER_DROP_MS = 2_000
const REASONS_KEPT = 40

export interface PaceLimits {
  readonly start: number
  readonly min: number
  readonly max: number
}

/** A change of how much is in flight. */
export interface PaceChange {
  /** Ms of the clock that was passed. */
  readonly at: number
  readonly from: number
  readonly to: number
  readonly why: string
}

interface Window {
  readonly began: number
  requests: number
  throttled: number
  failed: number
}

type Cause = 'climb' | 'step' | 'drop'

/**
 * How many requests may be in flight: doubled until the first sign that the other side is loaded, from then on one more at a time
 * (additive increase), and half of it when requests are refused, fail, or take much longer than unloaded ones of their size (multiplicative
 * decrease). Requests begun before the last decrease say nothing of what is in flight since: one storm halves it once. No clock of its own.
 */
export class Pace {
  /** Of requests in flight. */
  limit: number
  private climbing = true
  private changedAt: number
  private droppedAt: number
  private slowWindows = 0
  private window: Window
  private readonly latencies = new Latencies()
  private readonly kept: { change: PaceChange; cause: Cause }[] = []

  /** `now`, here and below: ms of a clock that never goes back. */
  constructor(
    private readonly limits: PaceLimits,
    now: number,
  ) {
    this.limit = Math.min(limits.max, Math.max(limits.min, limits.start))
    this.changedAt = now
    this.droppedAt = Number.NEGATIVE_INFINITY
    this.window = emptyWindow(now)
  }

  /** The newest changes, in their order; steps of the same kind in a row are one. */
  get changes(): readonly PaceChange[] {
    return this.kept.map(({ change }) => change)
  }

  /** Takes in the outcome of a request that ended at `now`. True when the limit has changed. */
  note(outcome: RequestOutcome, now: number): boolean {
    const begun = now - outcome.ms
    if (begun < this.droppedAt) return false
    const { window } = this
    if (outcome.kind === 'ok') {
      if (begun < this.changedAt) return false
      this.latencies.add(outcome)
    } else window[outcome.kind]++
    window.requests++
    const refusal = refusalIn(window)
    if (refusal !== null) return this.drop(refusal, now)
    const wanted = Math.max(WINDOW_REQUESTS, Math.min(this.limit, WINDOW_REQUESTS_MOST))
    return window.requests >= wanted && now - window.began >= WINDOW_MS && this.endWindow(now)
  }

  private endWindow(now: number): boolean {
    const { throttled, failed } = this.window
    const load = this.latencies.settle(now)
    this.window = emptyWindow(now)
    this.slowWindows = load >= OVERLOADED ? this.slowWindows + 1 : 0
    if (this.slowWindows >= SLOW_WINDOWS) return this.drop(`requests take ${load.toFixed(1)} times as long as unloaded ones`, now)
    if (throttled > 0 || load >= CLIMBED) this.climbing = false
    if (throttled + failed > 0 || this.limit >= this.limits.max) return false
    if (this.climbing) return this.change(this.limit * 2, 'no sign of load', 'climb', now)
    const rested = now - this.droppedAt >= REST_AFTER_DROP_MS && now - this.changedAt >= BETWEEN_STEPS_MS
    if (!rested || load >= LOADED) return false
    return this.change(this.limit + 1, 'all requests go well', 'step', now)
  }

  private drop(why: string, now: number): boolean {
    this.climbing = false
    this.slowWindows = 0
    this.droppedAt = now
    this.latencies.forgetWindow()
    this.window = emptyWindow(now)
    return this.change(Math.floor(this.limit / 2), why, 'drop', now)
  }

  private change(to: number, why: string, cause: Cause, now: number): boolean {
    const from = this.limit
    this.limit = Math.min(this.limits.max, Math.max(this.limits.min, to))
    if (this.limit === from) return false
    this.changedAt = now
    const last = this.kept.at(-1)
    const isSame = last !== undefined && last.cause === cause && cause !== 'drop'
    if (isSame) this.kept.pop()
    this.kept.push({ cause, change: { at: now, from: isSame ? last.change.from : from, to: this.limit, why } })
    if (this.kept.length > REASONS_KEPT) this.kept.shift()
    return true
  }
}

/** `503 from the bucket: 16 -> 8`. */
export function paceWords({ why, from, to }: Omit<PaceChange, 'at'>): string {
  return `${why}: ${from} -> ${to}`
}

function refusalIn({ requests, throttled, failed }: Window): string | null {
  if (throttled >= THROTTLED) return '503 from the bucket'
  if (failed >= FAILED && failed >= requests * FAILED_SHARE) return `${failed} of ${requests} requests failed`
  return null
}

function emptyWindow(now: number): Window {
  return { began: now, requests: 0, throttled: 0, failed: 0 }
}
