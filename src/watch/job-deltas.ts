import type { QueueName, WorkerCard } from '../queues/index.js'

/** Workers that are not seen for so long come back no more. */
const FORGET_MS = 600_000

export interface JobCounts {
  readonly finished: number
  readonly failed: number
  /** Time they took, all in all, ms. */
  readonly busyMs: number
}

interface Seen {
  readonly counts: ReadonlyMap<QueueName, JobCounts>
  readonly at: number
}

const NONE: JobCounts = { finished: 0, failed: 0, busyMs: 0 }

/**
 * What workers have done between one look at their cards and the next, so that a sum of it never falls although workers come and go.
 * What a worker does after the last look at its card is missing from it.
 */
export class JobDeltas {
  private readonly workers = new Map<string, Seen>()

  /** `since`: epoch ms; what workers did that began before, and were not seen yet, was done before. */
  constructor(private readonly since: number) {}

  take(cards: readonly WorkerCard[], now: number): Map<QueueName, JobCounts> {
    const sums = new Map<QueueName, JobCounts>()
    for (const card of cards) {
      const before = this.workers.get(card.id)?.counts
      const after = new Map<QueueName, JobCounts>(
        card.queues.map(queue => [queue.name, most(queue, before?.get(queue.name) ?? NONE)]),
      )
      this.workers.set(card.id, { counts: after, at: now })
      if (before === undefined && card.startedAt < this.since) continue
      for (const [queue, counts] of after) sums.set(queue, plus(sums.get(queue) ?? NONE, counts, before?.get(queue) ?? NONE))
    }
    for (const [id, seen] of this.workers) if (now - seen.at > FORGET_MS) this.workers.delete(id)
    return sums
  }
}

/** A card that is older than the one before tells of less: that is not taken back. */
function most(a: JobCounts, b: JobCounts): JobCounts {
  return {
    finished: Math.max(a.finished, b.finished),
    failed: Math.max(a.failed, b.failed),
    busyMs: Math.max(a.busyMs, b.busyMs),
  }
}

function plus(sum: JobCounts, after: JobCounts, before: JobCounts): JobCounts {
  return {
    finished: sum.finished + after.finished - before.finished,
    failed: sum.failed + after.failed - before.failed,
    busyMs: sum.busyMs + after.busyMs - before.busyMs,
  }
}
