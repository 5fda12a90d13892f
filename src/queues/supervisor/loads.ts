import type { WorkerCard } from '../board.js'
import type { QueueCounts } from '../desk.js'
import type { QueueName } from '../names.js'
import type { QueueTimes } from './job-times.js'
import type { QueueLoad } from './load.js'

/** The loads of the queues, from what the desk counts and the workers tell. */
export function loadsOf(seen: {
  readonly queues: readonly QueueName[]
  readonly counts: readonly QueueCounts[]
  readonly own: readonly WorkerCard[]
  /** Workers that others run. */
  readonly others: readonly WorkerCard[]
  readonly slots: number
  readonly times: QueueTimes
  readonly canaryWaits: (queue: QueueName) => boolean
  /** Epoch ms. */
  readonly wallNow: number
}): QueueLoad[] {
  return seen.queues.map(name => {
    const counts = seen.counts.find(each => each.name === name)
    // A canary of ours is no load.
    const waiting = Math.max(0, (counts?.waiting ?? 0) - (seen.canaryWaits(name) ? 1 : 0))
    return {
      name,
      waiting,
      active: counts?.active ?? 0,
      meanJobMs: seen.times.meanMs(name, [...seen.own, ...seen.others], seen.wallNow),
      slots: seen.slots,
      elsewhere: seen.others.reduce((sum, card) => sum + workingSlots(card, name), 0),
      oldestWaitMs: waiting === 0 ? 0 : (counts?.oldestWaitMs ?? 0),
      paused: counts?.paused ?? false,
    }
  })
}

function workingSlots(card: WorkerCard, name: QueueName): number {
  return card.state === 'working' ? (card.queues.find(queue => queue.name === name)?.slots ?? 0) : 0
}
