import { QUEUES, type QueueCounts, type QueueName, type WorkerCard } from '../queues/index.js'
import type { QueueStanding } from './overview.js'
import { isLive, type RunFacts } from './runs.js'

/** The queues, in the order of their counts, with what the live workers tell of them. */
export function standingOf(counts: readonly QueueCounts[], workers: readonly WorkerCard[]): QueueStanding[] {
  return counts.map(queue => {
    const cards = workers.flatMap(worker => worker.queues.filter(({ name }) => name === queue.name))
    const jobs = sum(cards, card => card.finished + card.failed)
    return {
      ...queue,
      processedPerS: sum(cards, card => card.perS),
      workers: workers.filter(worker => worker.state !== 'draining' && consumes(worker, queue.name)).length,
      recent: { finished: sum(cards, card => card.recent.finished), failed: sum(cards, card => card.recent.failed) },
      meanJobMs: jobs === 0 ? null : sum(cards, card => card.busyMs) / jobs,
    }
  })
}

export function consumes(worker: WorkerCard, queue: QueueName): boolean {
  return worker.queues.some(({ name }) => name === queue)
}

/** The queues of an installation whose jobs run in the process that adds them: there is only what the rows of its runs say. */
export function countsOfRuns(runs: readonly RunFacts[], failedTenants: number, now: number): QueueCounts[] {
  const live = runs.filter(run => isLive(run, now))
  const waiting = live.filter(run => run.queued > 0)
  const none = { waiting: 0, active: 0, delayed: 0, failed: 0, paused: false, oldestWaitMs: 0 }
  return QUEUES.map(name =>
    name !== 'sync'
      ? { name, ...none }
      : {
          ...none,
          name,
          waiting: sum(live, run => run.queued),
          active: sum(live, run => run.running),
          failed: failedTenants,
          oldestWaitMs: Math.max(0, ...waiting.map(run => now - run.startedAt)),
        },
  )
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0)
}
