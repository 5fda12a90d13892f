import { sleep } from '../kernel/clock.js'
import { isFailure } from '../kernel/errors.js'
import type { JobSchedules } from '../queues/index.js'

const LOOK_EVERY_MS = 1_000
const WORKERS_EVERY_MS = 30_000

type StandingSchedule = Awaited<ReturnType<JobSchedules['list']>>[number]

export interface Watching {
  /** @throws {Failure} UNAVAILABLE, which is waited out, like that of `consumers` */
  readonly list: () => Promise<readonly StandingSchedule[]>
  readonly consumers: () => Promise<number>
  readonly signal: AbortSignal
  /** A schedule that was not seen before. */
  readonly standing: (id: string, nextAt: number) => void
  /** A worker took its job. */
  readonly fired: (id: string, nextAt: number) => void
  /** No worker is there, when there was one before or nobody knew. */
  readonly alone: () => void
}

/** Tells what becomes of the schedules until the signal aborts. */
export async function watchSchedules(watching: Watching): Promise<void> {
  const seen = new Map<string, number>()
  let workersAt = Number.NEGATIVE_INFINITY
  let alone = false
  while (!watching.signal.aborted) {
    try {
      for (const { id, nextAt } of await watching.list()) tell(watching, seen, id, nextAt)
      if (performance.now() - workersAt >= WORKERS_EVERY_MS) {
        const none = (await watching.consumers()) === 0
        if (none && !alone) watching.alone()
        alone = none
        workersAt = performance.now()
      }
    } catch (error) {
      if (!isFailure(error, 'UNAVAILABLE')) throw error
    }
    await sleep(LOOK_EVERY_MS, watching.signal).catch(() => {})
  }
}

/** A time that moves on means that a job was taken; one that was lost and put again begins anew, at or before the old one. */
function tell(watching: Watching, seen: Map<string, number>, id: string, nextAt: number): void {
  const before = seen.get(id)
  seen.set(id, nextAt)
  if (before === undefined) watching.standing(id, nextAt)
  else if (nextAt > before) watching.fired(id, nextAt)
}
