import type { EventBatch } from '../event-batch.js'

/** What waits to be counted, as it was up to a second ago. */
export interface Backlog {
  readonly batches: number
  readonly bytes: number
  /** When the oldest of them was accepted, epoch ms; null when nothing waits. */
  readonly oldestAt: number | null
}

/** Batches that one taker counts. */
export interface TakenBatches {
  readonly batches: readonly EventBatch[]
  /** They are counted, and forgotten. @throws {Failure} UNAVAILABLE: they may be handed out again */
  done(): Promise<void>
  /** They are not: somebody else may take them at once. */
  giveBack(): Promise<void>
}

/** Where accepted batches wait until they are counted: at least once is promised here, exactly once by who counts them. */
export interface EventLog {
  readonly name: 'journal' | 'stream'
  /**
   * Keeps the batch. When it resolves, the batch outlives this process and will be handed out until it is counted.
   * @throws {Failure} EVENTS_BEHIND when too much waits already, DISK_FULL, REDIS_FULL, UNAVAILABLE: the batch is not kept, or the caller cannot know
   */
  append(batch: EventBatch): Promise<void>
  /**
   * Keeps anew what was taken and cannot be counted now, behind all that waits, however much that is: who calls it is `done` with the taken ones next. When it
   * resolves, all are kept as by `append`. For half an hour `append` takes from their tenants only while less than half of what may wait does.
   * @throws {Failure} DISK_FULL, REDIS_FULL, UNAVAILABLE: some may be kept, so that the taken ones are to be given back
   */
  putBehind(batches: readonly EventBatch[]): Promise<void>
  /**
   * Batches that nobody works on, the oldest first, at least one and about `maxEvents` events at most, fewer where they are large or scattered; null when there
   * are none. Those of a taker that died are handed out again. @throws {Failure} UNAVAILABLE
   */
  take(maxEvents: number): Promise<TakenBatches | null>
  /** @throws {Failure} UNAVAILABLE */
  backlog(): Promise<Backlog>
  /** Whether batches are taken, by whomever, and not done: those of a taker that died, too, which `take` hands out only later. @throws {Failure} UNAVAILABLE */
  isTaken(): Promise<boolean>
  /** What was taken and is not done is given back. Twice is calm. */
  close(): Promise<void>
}
