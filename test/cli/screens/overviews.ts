import type { Look } from '../../../src/cli/screens/look.js'
import { createStyle } from '../../../src/cli/style.js'
import type { SupervisorCard, WorkerCard } from '../../../src/queues/index.js'
import { QUEUES } from '../../../src/queues/names.js'
import { parseSlug } from '../../../src/tenants/ids.js'
import type { Overview, QueueStanding, TenantStanding } from '../../../src/watch/overview.js'

export const AT = Date.UTC(2026, 2, 1, 12, 3, 4)

export function queueStanding(change: Partial<QueueStanding> = {}): QueueStanding {
  return {
    ...{ name: 'sync', waiting: 0, active: 0, delayed: 0, failed: 0, paused: false, oldestWaitMs: 0 },
    ...{ processedPerS: 0, workers: 2, recent: { finished: 0, failed: 0 }, meanJobMs: null },
    ...change,
  }
}

export function workerCard(pid: number, change: Partial<WorkerCard> = {}): WorkerCard {
  const recent = { finished: 60, failed: 1 }
  const queue = {
    name: 'sync',
    slots: 5,
    active: 1,
    taken: 900,
    looks: 900,
    finished: 890,
    failed: 9,
    busyMs: 90_000,
    perS: 3.2,
    recent,
  } as const
  return {
    ...{ id: `web1:${pid}:aa`, pid, host: 'web1', supervisor: 'web1:4000:bb', state: 'working', startedAt: AT - 3_700_000 },
    ...{ seenAt: AT - 300, rssBytes: 123_400_000, queues: [queue] },
    jobs: [{ queue: 'sync', id: `job-${pid}`, name: 'SyncTenantFeeds', tenantId: 7, startedAt: AT - 3_200 }],
    ...change,
  }
}

export function supervisorCard(change: Partial<SupervisorCard> = {}): SupervisorCard {
  const why = 'sync: 1,200 wait, 95 s to clear, target 30 s'
  return {
    ...{ id: 'web1:4000:bb', pid: 4000, host: 'web1', state: 'working', startedAt: AT - 9_000_000, seenAt: AT },
    ...{ min: 1, max: 8, ceiling: 6, workers: 3, targetWaitS: 30, scalings: [{ at: AT - 60_000, from: 2, to: 3, why }] },
    ...change,
  }
}

export function tenantStanding(id: number, slug: string, change: Partial<TenantStanding> = {}): TenantStanding {
  return {
    id,
    slug: parseSlug(slug),
    syncedAt: AT - 65_000,
    syncMs: 1_200 * id,
    syncFailures: 0,
    feedsFailed: 0,
    paused: false,
    ...change,
  }
}

/** A busy installation: a queue that lags, one that is paused, workers, a run, tenants that fail. */
export function overviewOf(change: Partial<Overview> = {}): Overview {
  const busy = { waiting: 1_200, active: 10, failed: 3, processedPerS: 12.5, oldestWaitMs: 65_000, workers: 3, meanJobMs: 240 }
  return {
    at: AT,
    driver: 'redis',
    queues: QUEUES.map(name => queueStanding({ name, ...(name === 'sync' ? busy : {}), paused: name === 'media' })),
    workers: [workerCard(4211), workerCard(4212, { state: 'draining', jobs: [] }), workerCard(4213, { seenAt: AT - 9_000 })],
    supervisors: [supervisorCard()],
    run: {
      runId: 'r-1',
      startedAt: AT - 125_000,
      finishedAt: null,
      scheduled: true,
      total: 1_000,
      running: 10,
      ended: 512,
      failed: 3,
    },
    tenants: {
      ...{
        readAt: AT,
        states: { provisioning: 0, active: 1_000, suspended: 1, deleting: 0 },
        active: 1_000,
        paused: 2,
        failing: 2,
      },
      ...{ failed: 1, syncedAt: AT - 1_000, oldestAt: AT - 90_000_000, failingSince: null, dueAt: AT - 1_000 },
      slowest: [9, 8, 7, 6, 5].map(id => tenantStanding(id, `slow-${id}`, { paused: id === 8 })),
      mostFailing: [
        tenantStanding(7, 'globex', { syncFailures: 5, feedsFailed: 3 }),
        tenantStanding(12, 'initech-of-the-far-north-and-the-east', { feedsFailed: 2, syncedAt: null }),
      ],
    },
    sources: { readAt: AT, total: 20_000, due: 12, failing: 3, retired: 1, failures: [{ code: 'FEED_TIMEOUT', sources: 2 }] },
    alerts: [{ name: 'queue-wait:sync', message: 'the oldest job of the queue sync waits for 65 s', since: AT - 40_000 }],
    ...change,
  }
}

/** An installation where nothing has happened yet. */
export function emptyOverview(driver: 'sync' | 'redis'): Overview {
  return overviewOf({
    driver,
    queues: QUEUES.map(name => queueStanding({ name, workers: 0 })),
    ...{ workers: [], supervisors: [], run: null, alerts: [] },
    tenants: {
      ...{
        readAt: AT,
        states: { provisioning: 0, active: 0, suspended: 0, deleting: 0 },
        active: 0,
        paused: 0,
        failing: 0,
        failed: 0,
      },
      ...{ syncedAt: null, oldestAt: null, failingSince: null, dueAt: null, slowest: [], mostFailing: [] },
    },
    sources: { readAt: AT, total: 0, due: 0, failing: 0, retired: 0, failures: [] },
  })
}

export function lookOf(change: Partial<Look> = {}): Look {
  const style = createStyle({ colors: false, columns: 80 })
  const slugs = new Map([[7, 'globex']])
  return { overview: overviewOf(), slugs, failed: [], rates: new Map(), width: 78, style, selected: null, ...change }
}
