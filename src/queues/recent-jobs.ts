import type { Clock } from '../kernel/clock.js'

const BUCKET_MS = 5_000
const RATE_BUCKETS = 12
const KEPT_BUCKETS = 60
/** A rate over less than this says nothing. */
const LEAST_SPAN_MS = 1_000

interface Bucket {
  readonly number: number
  finished: number
  failed: number
}

/** How many jobs ended lately: per second of the last minute, and all of the last five minutes, both to the nearest five seconds. */
export class RecentJobs {
  private readonly since: number
  private buckets: Bucket[] = []

  constructor(private readonly now: Clock) {
    this.since = now()
  }

  note(outcome: 'finished' | 'failed'): void {
    const number = this.current()
    let bucket = this.buckets.at(-1)
    if (bucket?.number !== number) {
      bucket = { number, finished: 0, failed: 0 }
      this.buckets = [...this.newerThan(KEPT_BUCKETS), bucket]
    }
    bucket[outcome]++
  }

  /** Of one that began less than a minute ago, over the time since. */
  perS(): number {
    const from = (this.current() - RATE_BUCKETS + 1) * BUCKET_MS
    const spanMs = Math.max(LEAST_SPAN_MS, this.now() - Math.max(this.since, from))
    const { finished, failed } = sum(this.newerThan(RATE_BUCKETS))
    return Math.round(((finished + failed) / spanMs) * 1e5) / 100
  }

  counts(): { finished: number; failed: number } {
    return sum(this.newerThan(KEPT_BUCKETS))
  }

  private current(): number {
    return Math.floor(this.now() / BUCKET_MS)
  }

  /** A clock that was set back leaves buckets of the future behind: they are nobody's. */
  private newerThan(count: number): Bucket[] {
    const current = this.current()
    return this.buckets.filter(bucket => bucket.number > current - count && bucket.number <= current)
  }
}

function sum(buckets: readonly Bucket[]): { finished: number; failed: number } {
  return buckets.reduce((all, { finished, failed }) => ({ finished: all.finished + finished, failed: all.failed + failed }), {
    finished: 0,
    failed: 0,
  })
}
