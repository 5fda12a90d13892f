import { backoffMs } from '../../kernel/retry.js'
import type { QueueName } from '../names.js'
import { DEAF_MS, freshHealth, type HealthMemory, STILL_MS, type Verdict } from './health.js'
import { RESTARTS, WELL_MS } from './restarts.js'
import type { WorkerProcess } from './worker-process.js'

/** When a place is filled again, ms from now, and how many of its workers have come to a bad end in a row. */
export interface Refill {
  readonly deaths: number
  readonly delayMs: number
}

/** After a worker that had to be replaced. `wellMs`: how long it consumed before. What a new worker does not mend is not tried all the time. */
export function refillAfterUnwell(deaths: number, wellMs: number, random: number): Refill {
  const now = wellMs >= WELL_MS ? 1 : deaths + 1
  return { deaths: now, delayMs: backoffMs(now, RESTARTS, random) }
}

export type Unwell = Exclude<Verdict, { kind: 'well' }>

/** For the log. */
export function unwellWords(verdict: Unwell, { silentMs }: HealthMemory): string {
  if (verdict.kind === 'frozen') return `a worker told nothing for ${Math.round(silentMs / 1000)} s, and is killed`
  if (verdict.kind === 'deaf')
    return `a worker has asked for no jobs of ${verdict.queue} for ${DEAF_MS / 1000} s, and is replaced`
  return `a worker leaves jobs of ${verdict.queue} for ${STILL_MS / 1000} s that it has slots for, and is replaced`
}

/** A place for one worker: a generalist, or a specialist of one queue. Times are ms of the loop's clock. */
export class Place {
  deaths = 0
  worker: WorkerProcess | null = null
  health: HealthMemory
  /** The worker stays until this one consumes. */
  successor: WorkerProcess | null = null
  /** The worker is to be replaced, after those before it. */
  outdated = false

  /** `startAt`: when its worker is to be started. */
  constructor(
    readonly queue: QueueName | null,
    public startAt: number,
  ) {
    this.health = freshHealth(startAt)
  }

  take(worker: WorkerProcess, now: number): void {
    this.worker = worker
    this.health = freshHealth(now)
  }

  /** The worker is not of this place any more: its successor is, when it has one. Calm when it was not before. */
  give(worker: WorkerProcess, { deaths, delayMs }: Refill, now: number): void {
    if (worker !== this.worker && worker !== this.successor) return
    this.deaths = deaths
    this.startAt = now + delayMs
    if (worker === this.worker) {
      this.worker = this.successor
      this.health = freshHealth(now)
      this.outdated = false
    }
    this.successor = null
  }

  /** The successor takes the place; the answer is the worker that had it. */
  succeed(now: number): WorkerProcess | null {
    const { worker, successor } = this
    if (successor !== null) this.take(successor, now)
    this.successor = null
    this.outdated = false
    return worker
  }
}
