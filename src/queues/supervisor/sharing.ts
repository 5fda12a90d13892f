import type { QueueName } from '../names.js'
import { clearMs, fits } from './load.js'
import type { QueueView } from './plan-memory.js'

/** A worker changes its queue only when the others' gain is plain: to and fro costs a start each time. */
const PLAINLY = 1.25

/** The neediest first: those without a specialist of their own, then by the time to clear. */
export function byNeed(views: readonly QueueView[]): QueueView[] {
  return [...views].sort((a, b) => {
    const alone = Number(b.specialists === 0) - Number(a.specialists === 0)
    return alone || clearMs(b.load, b.workers) - clearMs(a.load, a.workers)
  })
}

/** Specialists per queue with so many more at most: one for each that needs one, then to whoever takes longest to clear. */
export function grow(needy: readonly QueueView[], room: number): Map<QueueName, number> {
  const extra = new Map(needy.map(view => [view, 0]))
  const got = (view: QueueView) => extra.get(view) ?? 0
  for (let left = room; left > 0; left--) {
    const open = needy.filter(view => view.needed > view.workers + got(view))
    const [next] = open.sort((a, b) => {
      const alone = Number(b.specialists + got(b) === 0) - Number(a.specialists + got(a) === 0)
      return alone || clearMs(b.load, b.workers + got(b)) - clearMs(a.load, a.workers + got(a))
    })
    if (next === undefined) break
    extra.set(next, got(next) + 1)
  }
  return new Map(needy.map(view => [view.load.name, view.specialists + got(view)]))
}

/**
 * Who gives a specialist to the taker: one that does without; else one that has several where the taker has none; else one that is
 * plainly better off even afterwards. The last one of a queue that needs it goes only to a queue that has none.
 */
export function giver(taker: QueueView, views: readonly QueueView[], targetWaitMs: number): QueueView | null {
  const afterMs = (view: QueueView) => clearMs(view.load, view.workers - 1)
  const owners = views.filter(view => view !== taker && view.specialists > 0).sort((a, b) => afterMs(a) - afterMs(b))
  const idle = owners.find(view => fits(view.load, view.workers - 1, view.busySlots, targetWaitMs))
  if (idle !== undefined) return idle
  const rich = taker.specialists === 0 ? owners.find(view => view.specialists > 1) : undefined
  const mayGive = (view: QueueView) => view.specialists > 1 || taker.specialists === 0 || view.needed < view.workers
  return rich ?? owners.find(view => mayGive(view) && afterMs(view) * PLAINLY < clearMs(taker.load, taker.workers)) ?? null
}

/** `sync: 1,200 wait, 95 s to clear, target 30 s`. */
export function loadWords({ load, workers, stuck }: QueueView, targetWaitMs: number): string {
  const waiting = `${load.name}: ${load.waiting.toLocaleString('en-US')} wait`
  const toClear = clearMs(load, workers)
  const how =
    stuck && toClear <= targetWaitMs
      ? `the oldest for ${seconds(load.oldestWaitMs)} and every slot is taken`
      : `${seconds(toClear)} to clear`
  return `${waiting}, ${how}, target ${seconds(targetWaitMs)}`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000).toLocaleString('en-US')} s`
}
