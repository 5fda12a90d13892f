import type { QueueName } from '../names.js'
import { fits, isStuck, neededWorkers, type QueueLoad } from './load.js'

/** What the plan remembers of a queue. Times are ms of the plan's clock; null when it is not so now. */
export interface QueueMemory {
  /** Specialists it is to have. */
  readonly specialists: number
  /** Since when it needs more workers than it has, in every look. */
  readonly overSince: number | null
  /** Since when one fewer would do with room to spare, in every look. */
  readonly calmSince: number | null
  /** Slots that were taken, on average over the last half minute or so. */
  readonly busySlots: number
}

export interface PlanMemory {
  readonly queues: Readonly<Partial<Record<QueueName, QueueMemory>>>
  readonly lookedAt: number
  /** When it last decided so; null before it first did. */
  readonly grewAt: number | null
  readonly shrankAt: number | null
  readonly movedAt: number | null
  /** Since when there are more workers than the ceiling allows, in every look. */
  readonly aboveSince: number | null
  /** How long after growing it does not shrink. */
  readonly patienceMs: number
}

/** A queue as this look finds it: what is remembered, brought up to date. */
export interface QueueView extends QueueMemory {
  readonly load: QueueLoad
  /** Workers that consume it, when all that are wanted are up. */
  readonly workers: number
  readonly needed: number
  readonly stuck: boolean
}

/** Between growing and shrinking, at the least: whoever does both within minutes does one of them for nothing. */
export const PATIENCE_MS = 180_000
const BUSY_WINDOW_MS = 30_000
/** Looks that are further apart say nothing about the time between. */
const LONGEST_GAP_MS = 10_000
const NEW: QueueMemory = { specialists: 0, overSince: null, calmSince: null, busySlots: 0 }

/** The memory of a supervisor that has just begun. */
export function freshMemory(now: number): PlanMemory {
  return { queues: {}, lookedAt: now, grewAt: null, shrankAt: null, movedAt: null, aboveSince: null, patienceMs: PATIENCE_MS }
}

/** Whether the last look is too long ago, or after this one, to count the time between. */
export function isGap(memory: PlanMemory, now: number): boolean {
  return now < memory.lookedAt || now - memory.lookedAt > LONGEST_GAP_MS
}

/** `there`: workers that consume the queue now. */
export function viewOf(
  load: QueueLoad,
  memory: PlanMemory,
  at: { now: number; generalists: number; there: number; targetWaitMs: number },
): QueueView {
  const past = memory.queues[load.name] ?? { ...NEW, busySlots: load.active }
  const gap = isGap(memory, at.now)
  const workers = at.generalists + past.specialists
  // While workers of an earlier decision are still starting, slots that are all taken prove nothing.
  const stuck = at.there >= workers && isStuck(load, at.there, at.targetWaitMs)
  const needed = neededWorkers(load, at.targetWaitMs, stuck ? workers : null)
  const fresh = gap ? 1 : Math.min(1, (at.now - memory.lookedAt) / BUSY_WINDOW_MS)
  const busySlots = past.busySlots + (load.active - past.busySlots) * fresh
  const calm = past.specialists > 0 && fits(load, workers - 1, busySlots, at.targetWaitMs)
  const since = (holds: boolean, before: number | null) => (holds ? ((gap ? null : before) ?? at.now) : null)
  return {
    load,
    workers,
    needed,
    stuck,
    specialists: past.specialists,
    busySlots,
    overSince: since(needed > workers, past.overSince),
    calmSince: since(calm, past.calmSince),
  }
}

/** The queue with another number of specialists; how long it was calm counts for the number it had. */
export function withSpecialists(view: QueueView, specialists: number): QueueView {
  if (specialists === view.specialists) return view
  return { ...view, specialists, workers: view.workers - view.specialists + specialists, calmSince: null }
}
