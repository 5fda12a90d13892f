import type { CardQueue, QueueName, SupervisorCard, WorkerCard } from '../../src/queues/index.js'
import type { Overview, QueueStanding, SourceStanding, TenantStandings } from '../../src/watch/overview.js'

/** The moment of the overviews here. */
export const AT = Date.UTC(2026, 2, 1, 12)

export function queueOf(name: QueueName, facts: Partial<QueueStanding> = {}): QueueStanding {
  const counts = { waiting: 0, active: 0, delayed: 0, failed: 0, paused: false, oldestWaitMs: 0 }
  return { name, ...counts, processedPerS: 0, workers: 0, recent: { finished: 0, failed: 0 }, meanJobMs: null, ...facts }
}

export function cardQueue(name: QueueName, facts: Partial<CardQueue> = {}): CardQueue {
  const nothing = { slots: 5, active: 0, taken: 0, looks: 0, finished: 0, failed: 0, busyMs: 0, perS: 0 }
  return { name, ...nothing, recent: { finished: 0, failed: 0 }, ...facts }
}

export function workerOf(pid: number, queues: readonly CardQueue[], facts: Partial<WorkerCard> = {}): WorkerCard {
  const times = { startedAt: AT - 60_000, seenAt: AT }
  const place = { id: `here:${pid}:token`, pid, host: 'here', supervisor: null }
  return { ...place, ...times, state: 'working', rssBytes: 100_000_000, queues, jobs: [], ...facts }
}

export function supervisorOf(facts: Partial<SupervisorCard> = {}): SupervisorCard {
  const place = { id: 'here:9:token', pid: 9, host: 'here', startedAt: AT - 60_000, seenAt: AT }
  return { ...place, state: 'working', min: 1, max: 2, ceiling: 2, workers: 1, targetWaitS: 30, scalings: [], ...facts }
}

export function tenantsOf(facts: Partial<TenantStandings> = {}): TenantStandings {
  const states = { provisioning: 0, active: 2, suspended: 0, deleting: 0 }
  const counts = { active: 2, paused: 0, failing: 0, failed: 0 }
  const times = { readAt: AT, syncedAt: AT - 60_000, oldestAt: AT - 864_000_000, failingSince: null, dueAt: AT + 60_000 }
  return { states, ...counts, ...times, slowest: [], mostFailing: [], ...facts }
}

export function sourcesOf(facts: Partial<SourceStanding> = {}): SourceStanding {
  return { readAt: AT, total: 10, failing: 0, due: 0, retired: 0, failures: [], ...facts }
}

/** An installation where all is well. */
export function overviewOf(facts: Partial<Overview> = {}): Overview {
  const cards = { workers: [], supervisors: [], run: null, alerts: [] }
  return { at: AT, driver: 'redis', queues: [], ...cards, tenants: tenantsOf(), sources: sourcesOf(), ...facts }
}
