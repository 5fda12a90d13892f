import type { WorkerCard } from '../board.js'
import type { QueueName } from '../names.js'

const HALF_LIFE_MS = 120_000
/** Looks without a worker's card, about one a second, until the worker is forgotten: its card may only be late. */
const MISSED_LOOKS = 60

/** Mean time of the jobs of one queue, of late. */
export class JobTimes {
  private ended = 0
  private busyMs = 0
  private at: number | null = null

  /** Jobs that have ended since the last call, and what they took. */
  add(now: number, ended: number, busyMs: number): void {
    const left = this.at === null ? 1 : 0.5 ** (Math.max(0, now - this.at) / HALF_LIFE_MS)
    this.at = now
    this.ended = this.ended * left + ended
    this.busyMs = this.busyMs * left + busyMs
  }

  /**
   * Ms; null before any job. What runs now counts with the time it has taken so far: of jobs that take minutes none may have ended yet.
   * `running`: how many, `runningMs`: their ages together.
   */
  meanMs(running: number, runningMs: number): number | null {
    if (running === 0) return this.ended === 0 ? null : this.busyMs / this.ended
    return (this.busyMs + runningMs) / Math.max(this.ended, running)
  }
}

interface Totals {
  readonly ended: number
  readonly busyMs: number
}

interface SeenTotals extends Totals {
  readonly look: number
}

/** Mean times of jobs by queue, from what workers tell. */
export class QueueTimes {
  private readonly times = new Map<QueueName, JobTimes>()
  private readonly seen = new Map<string, SeenTotals>()
  private looks = 0

  /** The cards of the workers there are now. */
  look(now: number, cards: readonly WorkerCard[]): void {
    const sums = new Map<QueueName, Totals>()
    this.looks++
    for (const card of cards) {
      for (const { name, finished, failed, busyMs } of card.queues) {
        const key = `${card.id} ${name}`
        const before = this.seen.get(key) ?? { ended: 0, busyMs: 0 }
        const sum = sums.get(name) ?? { ended: 0, busyMs: 0 }
        this.seen.set(key, { ended: finished + failed, busyMs, look: this.looks })
        sums.set(name, { ended: sum.ended + finished + failed - before.ended, busyMs: sum.busyMs + busyMs - before.busyMs })
      }
    }
    for (const [name, sum] of sums) this.of(name).add(now, sum.ended, sum.busyMs)
    for (const [key, { look }] of this.seen) if (this.looks - look >= MISSED_LOOKS) this.seen.delete(key)
  }

  /** Mean time of a job, ms; null before any. `wallNow`: epoch ms, as the cards have it. */
  meanMs(queue: QueueName, cards: readonly WorkerCard[], wallNow: number): number | null {
    const running = cards.flatMap(card => card.jobs.filter(job => job.queue === queue))
    const ages = running.reduce((sum, job) => sum + Math.max(0, wallNow - job.startedAt), 0)
    return this.of(queue).meanMs(running.length, ages)
  }

  private of(queue: QueueName): JobTimes {
    const found = this.times.get(queue) ?? new JobTimes()
    this.times.set(queue, found)
    return found
  }
}
