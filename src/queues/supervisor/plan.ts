import type { QueueName } from '../names.js'
import { type Ceiling, ceilingOf, type Limits } from './ceiling.js'
import { type QueueLoad, slotsOf } from './load.js'
import { isGap, PATIENCE_MS, type PlanMemory, type QueueView, viewOf, withSpecialists } from './plan-memory.js'
import { byNeed, giver, grow, loadWords } from './sharing.js'

/** A queue that needs more must say so for this long, and a step of growth is given as long to show. */
const GROW_AFTER_MS = 5_000
/** A load must have fitted into one fewer for this long. */
const SHRINK_AFTER_MS = 60_000
const BETWEEN_SHRINKS_MS = 60_000
/** A shrink that had to be undone within this time was a mistake: the next one waits twice as long. */
const REGRET_MS = 600_000
const LONGEST_PATIENCE_MS = 3_600_000
const GROW_AFTER_SHRINK_MS = 60_000
/** A queue that needs so many times what it has is a new burst: it does not wait for the rest after a shrink. */
const BURST = 4
const BETWEEN_MOVES_MS = 30_000

export interface PlanInput {
  /** Ms of a clock that never goes back. */
  readonly now: number
  /** The queues that are consumed here. */
  readonly queues: readonly QueueLoad[]
  readonly there: {
    /** Workers that consume now. */
    readonly generalists: number
    readonly specialists: Readonly<Partial<Record<QueueName, number>>>
    /** Worker processes beside those that are wanted: on their way out, they still take what a worker takes. */
    readonly beside: number
  }
  readonly limits: Limits
  readonly memory: PlanMemory
}

/** The numbers are of all workers; the same when a worker goes from one queue to another. */
export interface Change {
  readonly from: number
  readonly to: number
  readonly why: string
}

export interface Plan {
  /** Wanted, by queue; beside them are always `min` generalists. */
  readonly specialists: Readonly<Partial<Record<QueueName, number>>>
  readonly ceiling: Ceiling
  readonly changes: readonly Change[]
  readonly memory: PlanMemory
}

interface Decision {
  readonly views: readonly QueueView[]
  readonly changes: readonly Change[]
  readonly kind: 'grew' | 'shrank' | 'moved' | null
}

/** How many workers each queue is to have. At most one kind of change at a time. */
export function plan(input: PlanInput): Plan {
  const { now, limits, memory } = input
  const ceiling = ceilingOf(limits)
  const views = input.queues.map(load =>
    viewOf(load, memory, {
      now,
      generalists: limits.min,
      there: input.there.generalists + (input.there.specialists[load.name] ?? 0),
      targetWaitMs: limits.targetWaitMs,
    }),
  )
  const above = totalOf(views, limits) > ceiling.workers
  const aboveSince = above ? ((isGap(memory, now) ? null : memory.aboveSince) ?? now) : null
  const seen = { now, limits, memory, ceiling, aboveSince, beside: input.there.beside }
  const decision = growing(views, seen) ?? moving(views, seen) ?? shrinking(views, seen) ?? { views, changes: [], kind: null }
  const when = (kind: Decision['kind'], before: number | null) => (decision.kind === kind ? now : before)
  return {
    specialists: Object.fromEntries(decision.views.map(view => [view.load.name, view.specialists])),
    ceiling,
    changes: decision.changes,
    memory: {
      queues: Object.fromEntries(decision.views.map(({ load, ...view }) => [load.name, memoryOf(view)])),
      lookedAt: now,
      grewAt: when('grew', memory.grewAt),
      shrankAt: when('shrank', memory.shrankAt),
      movedAt: when('moved', memory.movedAt),
      aboveSince,
      patienceMs: decision.kind === 'grew' ? patienceAfterGrowth(memory, now) : memory.patienceMs,
    },
  }
}

interface Seen {
  readonly now: number
  readonly limits: Limits
  readonly memory: PlanMemory
  readonly ceiling: Ceiling
  readonly aboveSince: number | null
  readonly beside: number
}

/** At most doubles, and only as those that leave make room. */
function growing(views: readonly QueueView[], seen: Seen): Decision | null {
  const { limits, ceiling, memory, now } = seen
  const total = totalOf(views, limits)
  const room = Math.min(ceiling.workers - seen.beside - total, total)
  const resting = !isOver(memory.shrankAt, GROW_AFTER_SHRINK_MS, now)
  const needy = needing(views, now).filter(view => !resting || view.needed >= BURST * view.workers)
  if (room <= 0 || needy.length === 0 || !isOver(memory.grewAt, GROW_AFTER_MS, now)) return null
  const grown = grow(needy, room)
  let from = total
  const changes = needy.flatMap(view => {
    const more = (grown.get(view.load.name) ?? 0) - view.specialists
    if (more <= 0) return []
    from += more
    return [{ from: from - more, to: from, why: loadWords(view, limits.targetWaitMs) }]
  })
  const after = views.map(view => withSpecialists(view, grown.get(view.load.name) ?? view.specialists))
  return { views: after, changes, kind: 'grew' }
}

/** Where the ceiling allows no more, a queue that needs less gives one of its own: one at a time, for it may take long to leave. */
function moving(views: readonly QueueView[], seen: Seen): Decision | null {
  const { limits, ceiling, memory, now } = seen
  const total = totalOf(views, limits)
  if (total < ceiling.workers || seen.beside > 0) return null
  const rested = isOver(memory.movedAt, BETWEEN_MOVES_MS, now) && isOver(memory.grewAt, BETWEEN_MOVES_MS, now)
  const [taker] = needing(views, now)
  const from = taker === undefined || !rested ? null : giver(taker, views, limits.targetWaitMs)
  if (taker === undefined || from === null) return null
  const after = views.map(view => {
    if (view === taker) return withSpecialists(view, view.specialists + 1)
    return view === from ? withSpecialists(view, view.specialists - 1) : view
  })
  const why = `${loadWords(taker, limits.targetWaitMs)}; ${from.load.name} gives one, for no more than ${ceiling.workers} are allowed`
  return { views: after, changes: [{ from: total, to: total, why }], kind: 'moved' }
}

function shrinking(views: readonly QueueView[], seen: Seen): Decision | null {
  const { limits, ceiling, memory, now, aboveSince } = seen
  const total = totalOf(views, limits)
  if (!isOver(memory.shrankAt, BETWEEN_SHRINKS_MS, now)) return null
  const above = aboveSince !== null && isOver(aboveSince, SHRINK_AFTER_MS, now)
  if (!above && !isOver(memory.grewAt, memory.patienceMs, now)) return null
  const calm = views.filter(view => view.calmSince !== null && isOver(view.calmSince, SHRINK_AFTER_MS, now))
  const candidates = above && calm.length === 0 ? views.filter(view => view.specialists > 0) : calm
  const least = byNeed(candidates).at(-1)
  if (least === undefined) return null
  const { load, busySlots, workers } = least
  const fitting = `${load.name}: ${Math.round(busySlots)} of ${slotsOf(load, workers)} slots busy for a minute, ${slotsOf(load, workers - 1)} are enough`
  const why = load.paused
    ? `${load.name}: paused`
    : calm.includes(least)
      ? fitting
      : `${ceiling.cut ?? `${ceiling.workers} are allowed`}`
  const after = views.map(view => (view === least ? withSpecialists(view, view.specialists - 1) : view))
  return { views: after, changes: [{ from: total, to: total - 1, why }], kind: 'shrank' }
}

/** The steps of one growth count once. */
function patienceAfterGrowth({ grewAt, shrankAt, patienceMs }: PlanMemory, now: number): number {
  if (shrankAt === null || (grewAt !== null && grewAt > shrankAt)) return patienceMs
  return now - shrankAt <= REGRET_MS ? Math.min(LONGEST_PATIENCE_MS, 2 * patienceMs) : PATIENCE_MS
}

/** Those that have needed more for a while, the neediest first. */
function needing(views: readonly QueueView[], now: number): QueueView[] {
  return byNeed(views.filter(view => view.overSince !== null && isOver(view.overSince, GROW_AFTER_MS, now)))
}

function totalOf(views: readonly QueueView[], limits: Limits): number {
  return views.reduce((sum, view) => sum + view.specialists, limits.min)
}

function isOver(since: number | null, ms: number, now: number): boolean {
  return since === null || now - since >= ms
}

function memoryOf({ specialists, overSince, calmSince, busySlots }: Omit<QueueView, 'load'>) {
  return { specialists, overSince, calmSince, busySlots }
}
