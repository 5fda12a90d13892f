import { type Clock, steady } from '../../kernel/clock.js'
import { Failure } from '../../kernel/errors.js'
import type { Backlog } from './driver.js'

const COUNTS_MS = 1_000

/** Keeps more from being accepted than may wait: judged from a reading that is no older than a second, and from what was let in since. */
export class Gauge {
  private bytes = 0
  private readAt = Number.NEGATIVE_INFINITY
  private reading: Promise<void> | null = null

  constructor(
    private readonly read: () => Promise<Backlog>,
    private readonly maxBytes: number,
    private readonly now: Clock = steady,
  ) {}

  /** @throws {Failure} EVENTS_BEHIND, and what the reading throws */
  async admit(bytes: number): Promise<void> {
    if (this.now() - this.readAt >= COUNTS_MS) {
      this.reading ??= this.look().finally(() => {
        this.reading = null
      })
      await this.reading
    }
    if (this.bytes >= this.maxBytes) {
      const waiting = Math.round(this.bytes / 1024 / 1024)
      throw new Failure('EVENTS_BEHIND', `${waiting} MiB of events wait to be counted`, {
        hint: 'look whether workers count (feedctl queue status), or raise FEEDCTL_ANALYTICS_BACKLOG_MB',
      })
    }
    this.bytes += bytes
  }

  private async look(): Promise<void> {
    const { bytes } = await this.read()
    this.bytes = bytes
    this.readAt = this.now()
  }
}
