import type { LatencyDistribution } from '../result.js'

/** Buckets for each doubling: what is read of them is at most 3 % too much. */
const STEPS = 32
const DOUBLINGS = 32

export interface LatencyFigures {
  readonly count: number
  /** All in ms; null of none. */
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

/** What was added to one, for another thread or process. */
export interface LatencyCounts {
  readonly buckets: Uint32Array
  readonly count: number
  readonly sumMs: number
  readonly maxMs: number
}

/** Times of many requests in little memory: whole microseconds in buckets that grow with them. */
export class Latencies {
  private readonly buckets = new Uint32Array(STEPS * DOUBLINGS)
  private count = 0
  private sumMs = 0
  private maxMs = 0

  add(ms: number): void {
    this.count += 1
    this.sumMs += ms
    if (ms > this.maxMs) this.maxMs = ms
    const at = bucketOf(ms)
    this.buckets[at] = (this.buckets[at] ?? 0) + 1
  }

  counts(): LatencyCounts {
    const { buckets, count, sumMs, maxMs } = this
    return { buckets, count, sumMs, maxMs }
  }

  /** Adds all that was added to another. */
  merge({ buckets, count, sumMs, maxMs }: LatencyCounts): this {
    this.count += count
    this.sumMs += sumMs
    this.maxMs = Math.max(this.maxMs, maxMs)
    for (let at = 0; at < buckets.length; at++) this.buckets[at] = (this.buckets[at] ?? 0) + (buckets[at] ?? 0)
    return this
  }

  /** As a histogram. */
  distribution(name: string): LatencyDistribution {
    const buckets = [...this.buckets].flatMap((count, at) => (count === 0 ? [] : [{ upToMs: topOf(at), count }]))
    return { name, count: this.count, buckets }
  }

  figures(): LatencyFigures {
    const { count, maxMs } = this
    if (count === 0) return { count, meanMs: null, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null }
    return { count, meanMs: this.sumMs / count, p50Ms: this.at(0.5), p95Ms: this.at(0.95), p99Ms: this.at(0.99), maxMs }
  }

  /** What the part (0 to 1) of all does not exceed. */
  private at(part: number): number {
    let left = Math.ceil(this.count * part)
    for (let bucket = 0; bucket < this.buckets.length; bucket++) {
      left -= this.buckets[bucket] ?? 0
      if (left <= 0) return Math.min(this.maxMs, topOf(bucket))
    }
    return this.maxMs
  }
}

function bucketOf(ms: number): number {
  const us = Math.max(0, Math.min(2 ** 31 - 1, Math.round(ms * 1000)))
  if (us < STEPS) return us
  const doubling = 31 - Math.clz32(us) - 5
  return (doubling + 1) * STEPS + ((us >> doubling) - STEPS)
}

/** The greatest time of a bucket, ms. */
function topOf(bucket: number): number {
  if (bucket < STEPS) return bucket / 1000
  const doubling = Math.floor(bucket / STEPS) - 1
  return (((bucket % STEPS) + STEPS + 1) * 2 ** doubling - 1) / 1000
}
