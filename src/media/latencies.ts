/** The unloaded latency of a size is looked for anew: what was found counts as twice as long after this time. */
const FORGET_HALF_MS = 600_000
/** A median of fewer is chance. */
const ENOUGH = 3

interface Request {
  readonly bytes: number
  readonly ms: number
}

/**
 * How long requests take beside what they take unloaded. Sizes are compared with their like, by powers of four, and by medians: a
 * mix of small and large files, and single slow requests, change nothing.
 */
export class Latencies {
  /** Lowest median of a window, by size class, ms. */
  private readonly unloaded = new Map<number, number>()
  private window = new Map<number, number[]>()
  private settledAt: number | null = null

  add({ bytes, ms }: Request): void {
    const size = sizeClass(bytes)
    const times = this.window.get(size)
    if (times === undefined) this.window.set(size, [ms])
    else times.push(ms)
  }

  /** Ends the window: the median of its requests' latencies, each as a multiple of the unloaded one of its size; 1 where nothing can be compared. */
  settle(now: number): number {
    this.forgetSlowly(now)
    const loads: number[] = []
    for (const [size, times] of this.window) {
      const known = this.unloaded.get(size) ?? Number.POSITIVE_INFINITY
      const lowest = times.length >= ENOUGH ? Math.min(known, medianOf(times)) : known
      if (lowest === Number.POSITIVE_INFINITY) continue
      this.unloaded.set(size, lowest)
      for (const ms of times) loads.push(ms / Math.max(lowest, 1))
    }
    this.forgetWindow()
    return loads.length === 0 ? 1 : medianOf(loads)
  }

  forgetWindow(): void {
    this.window = new Map()
  }

  private forgetSlowly(now: number): void {
    const factor = 2 ** ((now - (this.settledAt ?? now)) / FORGET_HALF_MS)
    this.settledAt = now
    for (const [size, ms] of this.unloaded) this.unloaded.set(size, ms * factor)
  }
}

function sizeClass(bytes: number): number {
  return Math.floor(Math.log2(Math.max(bytes, 4096)) / 2)
}

function medianOf(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}
