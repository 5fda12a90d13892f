import type { Row, Verdict } from './judging.js'
import type { ScalabilityModel } from './model/model.js'
import type { Comparison } from './results/comparison.js'
import type { Machine } from './sync/machine.js'

/** What every benchmark tells; `--json` prints it, the history keeps it, the report draws it. */
export interface BenchResult {
  readonly scenario: string
  readonly machine: Machine
  /** What was made and done, by the scenario's own names. */
  readonly settings: object
  readonly rows: readonly Row[]
  /** How throughput grows with processes; null where that was not measured. */
  readonly model: ScalabilityModel | null
  /** What is drawn beside the rows; absent where there is nothing to draw. */
  readonly charts?: BenchCharts
}

/** A result as it is printed. */
export interface MeasuredBench extends BenchResult {
  readonly rows: readonly (Row & { readonly verdict: Verdict })[]
  /** When the measurement began, epoch ms. */
  readonly at: number
  /** Of the feedctl that measured. */
  readonly version: string
  /** What it was compared with; absent where that was not asked for. */
  readonly baseline?: Comparison
}

export interface BenchCharts {
  readonly latency: readonly LatencyDistribution[]
  readonly throughput: readonly ThroughputSeries[]
  /** The search for the highest rate, in the order of its steps; empty where none was made. */
  readonly rates: readonly RateStep[]
}

/** Times of requests as a histogram. */
export interface LatencyDistribution {
  readonly name: string
  /** From when a request was to begin, in an open loop; else from when it was sent. */
  readonly count: number
  /** In order; each counts the answers that took more than the one before it, and at most `upToMs`. Without empty ones. */
  readonly buckets: readonly { readonly upToMs: number; readonly count: number }[]
}

/** Answers per second over the time of a measurement. */
export interface ThroughputSeries {
  readonly name: string
  /** Length of an interval, ms. */
  readonly everyMs: number
  /** Of each interval, in order. */
  readonly perS: readonly number[]
}

/** One rate that was tried. */
export interface RateStep {
  /** Requests per second that were to begin. */
  readonly rate: number
  /** Answers per second; median of the repeats. */
  readonly achieved: number
  readonly p99Ms: number | null
  readonly goalMs: number
  /** False where the generator was saturated, or late: then it says nothing of the server. */
  readonly valid: boolean
  readonly pass: boolean
  /** Why it is not valid or did not pass; null when it passed. */
  readonly why: string | null
}
