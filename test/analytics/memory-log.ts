import type { EventBatch } from '../../src/analytics/event-batch.js'
import type { Backlog, EventLog, TakenBatches } from '../../src/analytics/log/driver.js'
import { isFailure } from '../../src/kernel/errors.js'

/** An event log that ends with its test, and shows what became of what was taken. */
export class MemoryLog implements EventLog {
  readonly name = 'journal'
  waiting: EventBatch[] = []
  taken = 0
  appended = 0
  /** Thrown by the next `append`s, and `putBehind`s unless it is that too much waits. */
  refusal: Error | null = null
  /** Most batches of one take, whatever is asked for. */
  mostBatches = Number.POSITIVE_INFINITY

  async append(batch: EventBatch): Promise<void> {
    if (this.refusal !== null) throw this.refusal
    this.appended++
    this.waiting.push(batch)
  }

  async putBehind(batches: readonly EventBatch[]): Promise<void> {
    if (this.refusal !== null && !isFailure(this.refusal, 'EVENTS_BEHIND')) throw this.refusal
    this.appended += batches.length
    this.waiting.push(...batches)
  }

  async take(maxEvents: number): Promise<TakenBatches | null> {
    const batches: EventBatch[] = []
    let events = 0
    while (this.waiting.length > 0 && events < maxEvents && batches.length < this.mostBatches) {
      const batch = this.waiting.shift() as EventBatch
      batches.push(batch)
      events += batch.events.length
    }
    if (batches.length === 0) return null
    this.taken++
    let open = true
    const close = (back: readonly EventBatch[]) => {
      if (!open) return
      open = false
      this.taken--
      this.waiting.unshift(...back)
    }
    return { batches, done: async () => close([]), giveBack: async () => close(batches) }
  }

  async backlog(): Promise<Backlog> {
    return { batches: this.waiting.length, bytes: 0, oldestAt: this.waiting[0]?.acceptedAt ?? null }
  }

  async isTaken(): Promise<boolean> {
    return this.taken > 0
  }

  async close(): Promise<void> {}
}
