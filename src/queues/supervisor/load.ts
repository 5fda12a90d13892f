import type { QueueName } from '../names.js'

/** What a queue asks of its workers at one moment. */
export interface QueueLoad {
  readonly name: QueueName
  readonly waiting: number
  /** Jobs that run, wherever. */
  readonly active: number
  /** Mean time of a job; null before any is known. */
  readonly meanJobMs: number | null
  /** Jobs of this queue that one worker runs at the same time. */
  readonly slots: number
  /** Slots of workers that others run: another supervisor, another machine. */
  readonly elsewhere: number
  readonly oldestWaitMs: number
  readonly paused: boolean
}

/** Of a job when none has ended yet. */
export const UNKNOWN_JOB_MS = 1_000
/** Share of the slots that may be busy, on average, for a load to fit with room to spare. */
const ROOM = 0.7

/** Time until so many workers, and those elsewhere, have begun all that waits, ms; 0 for a paused queue. */
export function clearMs(load: QueueLoad, workers: number): number {
  if (load.paused || load.waiting === 0) return 0
  return (load.waiting * meanMs(load)) / slotsOf(load, workers)
}

/** Every slot is taken, and a job has waited longer than the target all the same: what the mean time of jobs does not show. */
export function isStuck(load: QueueLoad, workers: number, targetWaitMs: number): boolean {
  return load.waiting > 0 && load.oldestWaitMs > targetWaitMs && load.active >= slotsOf(load, workers)
}

/** Workers that would begin all that waits within the target; never more than there are jobs for. `stuckWith`: so many are seen not to be enough. */
export function neededWorkers(load: QueueLoad, targetWaitMs: number, stuckWith: number | null): number {
  if (load.paused) return 0
  const workersFor = (slots: number) => Math.max(0, Math.ceil((slots - load.elsewhere) / load.slots))
  const forTarget = workersFor((load.waiting * meanMs(load)) / targetWaitMs)
  const useful = workersFor(load.waiting + load.active)
  return Math.min(useful, Math.max(forTarget, stuckWith === null ? 0 : stuckWith + 1))
}

/** Whether so many workers would carry the load with room to spare. `busySlots`: slots that were taken, on average of late. */
export function fits(load: QueueLoad, workers: number, busySlots: number, targetWaitMs: number): boolean {
  if (load.paused) return true
  return busySlots <= ROOM * slotsOf(load, workers) && clearMs(load, workers) <= targetWaitMs / 2
}

/** Slots of so many workers, and of those elsewhere. */
export function slotsOf(load: QueueLoad, workers: number): number {
  return load.slots * workers + load.elsewhere
}

function meanMs(load: QueueLoad): number {
  return Math.max(1, load.meanJobMs ?? UNKNOWN_JOB_MS)
}
