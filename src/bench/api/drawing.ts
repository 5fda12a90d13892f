import type { BenchCharts, LatencyDistribution, RateStep, ThroughputSeries } from '../result.js'
import { Latencies, type LatencyCounts } from './latencies.js'

const LEAST_MS = 250
const MOST_BARS = 240

/** Answers in each interval of a measurement. */
export interface ArrivalCounts {
  readonly everyMs: number
  readonly came: readonly number[]
}

/** What is drawn of a measurement. */
export interface Drawing {
  readonly latencies: LatencyCounts
  readonly arrivals: ArrivalCounts
}

/** Counts answers as they come, from the start of a measurement on; what comes when its time is over is in none of them. */
export class Arrivals {
  private readonly everyMs: number
  private readonly came: number[]

  constructor(durationMs: number) {
    this.everyMs = LEAST_MS * Math.max(1, Math.ceil(durationMs / LEAST_MS / MOST_BARS))
    this.came = new Array(Math.floor(durationMs / this.everyMs)).fill(0)
  }

  /** @param ms since the start; less than nothing is before it */
  add(ms: number): void {
    const at = Math.floor(ms / this.everyMs)
    if (at >= 0 && at < this.came.length) this.came[at] = (this.came[at] ?? 0) + 1
  }

  counts(): ArrivalCounts {
    return { everyMs: this.everyMs, came: this.came }
  }
}

/** Of all threads that counted the same measurement. */
export function mergedArrivals(all: readonly ArrivalCounts[]): ArrivalCounts {
  const [first] = all
  if (first === undefined) throw new Error('nobody counted')
  return { everyMs: first.everyMs, came: first.came.map((_, n) => all.reduce((sum, { came }) => sum + (came[n] ?? 0), 0)) }
}

/** Of all rounds, as one histogram. */
export function distributionOf(name: string, rounds: readonly Drawing[]): LatencyDistribution {
  return rounds.reduce((all, { latencies }) => all.merge(latencies), new Latencies()).distribution(name)
}

/** Of all rounds, one after another. */
export function seriesOf(name: string, rounds: readonly Drawing[]): ThroughputSeries {
  const everyMs = rounds[0]?.arrivals.everyMs ?? LEAST_MS
  return { name, everyMs, perS: rounds.flatMap(({ arrivals }) => arrivals.came.map(came => (came * 1000) / everyMs)) }
}

/** By the names they have in the rows; those of which nothing was measured are left out. */
export function chartsOf(named: Readonly<Record<string, readonly Drawing[]>>, rates: readonly RateStep[]): BenchCharts {
  const drawn = Object.entries(named).filter(([, rounds]) => rounds.length > 0)
  return {
    latency: drawn.map(([name, rounds]) => distributionOf(name, rounds)),
    throughput: drawn.map(([name, rounds]) => seriesOf(name, rounds)),
    rates,
  }
}
