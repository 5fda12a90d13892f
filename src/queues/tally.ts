import type { Clock } from '../kernel/clock.js'
import type { CardJob, CardQueue } from './board.js'
import type { QueueName } from './names.js'
import { RecentJobs } from './recent-jobs.js'

/** How a job that was taken left its worker: `again` is one that will be run again, and counts as neither. */
export type JobEnd = 'finished' | 'failed' | 'again'

/** A job that a worker has: it may wait for its turn before it begins, and ends once. */
export interface TakenJob {
  begins(): void
  ends(end: JobEnd): void
}

interface Counts {
  taken: number
  looks: number
  finished: number
  failed: number
  busyMs: number
  readonly recent: RecentJobs
}

/** What a worker has done, and does, in each of its queues. */
export class Tally {
  private readonly counts: ReadonlyMap<QueueName, Counts>
  private readonly running = new Set<CardJob>()

  constructor(
    queues: readonly QueueName[],
    private readonly slots: number,
    private readonly now: Clock,
  ) {
    this.counts = new Map(
      queues.map(name => [name, { taken: 0, looks: 0, finished: 0, failed: 0, busyMs: 0, recent: new RecentJobs(now) }]),
    )
  }

  /** One that is answered at once, and is no job of anyone's. */
  tookCanary(queue: QueueName): void {
    this.of(queue).taken++
  }

  /** It has asked for a job, and was answered. */
  looked(queue: QueueName): void {
    this.of(queue).looks++
  }

  took(job: Omit<CardJob, 'startedAt'>): TakenJob {
    const counts = this.of(job.queue)
    counts.taken++
    const card = { ...job, startedAt: this.now() }
    this.running.add(card)
    let begunAt: number | null = null
    return {
      begins: () => {
        begunAt = this.now()
      },
      ends: end => {
        this.running.delete(card)
        if (begunAt !== null) counts.busyMs += Math.max(0, this.now() - begunAt)
        if (end === 'again') return
        counts[end]++
        counts.recent.note(end)
      },
    }
  }

  get finished(): number {
    return this.sum('finished')
  }

  get failed(): number {
    return this.sum('failed')
  }

  jobs(): CardJob[] {
    return [...this.running]
  }

  queues(): CardQueue[] {
    return [...this.counts].map(([name, { taken, looks, finished, failed, busyMs, recent }]) => ({
      name,
      slots: this.slots,
      active: this.jobs().filter(job => job.queue === name).length,
      taken,
      looks,
      finished,
      failed,
      busyMs,
      perS: recent.perS(),
      recent: recent.counts(),
    }))
  }

  private sum(key: 'finished' | 'failed'): number {
    return [...this.counts.values()].reduce((all, counts) => all + counts[key], 0)
  }

  private of(queue: QueueName): Counts {
    const counts = this.counts.get(queue)
    if (counts === undefined) throw new Error(`this worker does not consume ${queue}`)
    return counts
  }
}
