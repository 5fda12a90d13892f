import type { CardQueue, WorkerCard } from '../../../src/queues/index.js'

/** A card of a worker that consumes `sync` and does nothing. */
export function cardOf(card: Partial<WorkerCard> = {}, queue: Partial<CardQueue> = {}): WorkerCard {
  const idle = { name: 'sync' as const, slots: 5, active: 0, taken: 0, looks: 0, finished: 0, failed: 0, busyMs: 0, perS: 0 }
  return {
    id: 'worker',
    pid: 1,
    host: 'here',
    supervisor: null,
    state: 'working',
    startedAt: 0,
    seenAt: 0,
    rssBytes: 100_000_000,
    queues: [{ ...idle, recent: { finished: 0, failed: 0 }, ...queue }],
    jobs: [],
    ...card,
  }
}
