import type { EventBatch } from '../event-batch.js'

/** Whatever is asked for: an event with extra fields is some hundred times one without. */
const MOST_BYTES = 32 * 1024 * 1024

/** What one take has so far, and how much more it may have. */
export class Portion {
  readonly batches: EventBatch[] = []
  private events = 0
  private bytes = 0

  constructor(private readonly maxEvents: number) {}

  get isFull(): boolean {
    return this.events >= this.maxEvents || this.bytes >= MOST_BYTES
  }

  /** `bytes`: of the piece of the log that they were read from. */
  add(batches: readonly EventBatch[], bytes: number): void {
    for (const batch of batches) {
      this.batches.push(batch)
      this.events += batch.events.length
    }
    this.bytes += bytes
  }

  /** How many more pieces it has room for when they are like the ones that it has, `pieces` of them. */
  roomFor(pieces: number): number {
    const room = Math.min((this.maxEvents - this.events) / this.events, (MOST_BYTES - this.bytes) / this.bytes)
    return Math.max(1, Math.ceil(room * pieces))
  }
}
