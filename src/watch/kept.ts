import type { Clock } from '../kernel/clock.js'

/** A value that took long to read is kept so many times as long: reading it never takes more than a twentieth of the time. */
const TIMES_ITS_COST = 20

/** What is dear to read, kept for a while. One read at a time, however many want it; one that failed is not kept. */
export class Kept<T> {
  private value: { readonly read: T; readonly at: number; readonly forMs: number } | null = null
  private reading: Promise<T> | null = null

  constructor(
    private readonly read: (now: number) => Promise<T>,
    private readonly atLeastMs: number,
    private readonly now: Clock,
    private readonly timesItsCost = TIMES_ITS_COST,
  ) {}

  get(): Promise<T> {
    if (this.value !== null && this.isFresh(this.value)) return Promise.resolve(this.value.read)
    this.reading ??= this.readAnew().finally(() => {
      this.reading = null
    })
    return this.reading
  }

  private async readAnew(): Promise<T> {
    const began = performance.now()
    const now = this.now()
    const read = await this.read(now)
    const costMs = performance.now() - began
    this.value = { read, at: now, forMs: Math.max(this.atLeastMs, costMs * this.timesItsCost) }
    return read
  }

  /** What was read later than now was read before the clock was set back: nobody knows how long ago. */
  private isFresh({ at, forMs }: { readonly at: number; readonly forMs: number }): boolean {
    const age = this.now() - at
    return age >= 0 && age < forMs
  }
}
