import { sleep } from '../kernel/clock.js'
import { type CountFailure, type CountingParts, type CountReport, countEvents } from './count-events.js'

/** How long events are gathered before they are counted, while more come. */
const GATHER_MS = 1_000

/** What was counted. */
export interface CountedAlongside {
  readonly events: number
  /** Batches that had been counted before. */
  readonly repeated: number
  /** Batches, whoever sent them, that could not be counted now, and wait. */
  readonly returned: number
  /** Whose they are. */
  readonly failures: readonly CountFailure[]
}

/** Counts what is accepted, while more is. */
export class CountingAlongside {
  private readonly ended = new AbortController()
  private readonly counting: Promise<void>
  private events = 0
  private repeated = 0

  constructor(
    private readonly parts: CountingParts,
    private readonly signal: AbortSignal,
  ) {
    this.counting = this.countOn()
  }

  /** Counts the rest. @throws {Failure} UNAVAILABLE */
  async end(): Promise<CountedAlongside> {
    await this.stop()
    const { returned, failures } = await this.count()
    return { events: this.events, repeated: this.repeated, returned, failures }
  }

  /** Returns when nothing is being counted any more. Twice is calm. */
  async stop(): Promise<void> {
    this.ended.abort()
    await this.counting
  }

  private async countOn(): Promise<void> {
    const either = AbortSignal.any([this.ended.signal, this.signal])
    while (!either.aborted) {
      await sleep(GATHER_MS, either).catch(() => {})
      // What fails now is counted, or fails, at the end.
      if (!either.aborted) await this.count().catch(() => {})
    }
  }

  private async count(): Promise<CountReport> {
    const report = await countEvents(this.parts, this.signal)
    this.events += report.events
    this.repeated += report.repeated
    return report
  }
}
