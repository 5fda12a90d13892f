import type { Config } from '../kernel/config.js'
import type { Overview, QueueStanding } from './overview.js'
import { consumes } from './queue-standings.js'

/** Of fewer jobs a share says little. */
const LEAST_JOBS = 20

/** How long a supervisor may take to replace a worker, beside what that drains. */
const REPLACING_MS = 60_000

export type AlertSettings = Pick<Config, 'alertWaitS' | 'alertFailuresPercent' | 'alertNoSyncS' | 'drainMs'>

/** Something that should not be. */
export interface Condition {
  /** `queue-wait:sync`: the same for as long as it lasts. */
  readonly name: string
  readonly message: string
  /** What was measured, in the unit of the setting it is held against: seconds, percent, jobs. */
  readonly value: number
  /** Since when, epoch ms; null when only looking tells. */
  readonly since: number | null
  /** How long it has to be seen before it is told, ms. */
  readonly patienceMs: number
}

/** What should not be in what was seen. `watchedSince`: epoch ms; of what was before nobody knows. A setting of 0 asks for nothing. */
export function conditionsIn(overview: Overview, settings: AlertSettings, watchedSince: number): Condition[] {
  const queues = overview.queues.flatMap(queue => [
    ...waiting(queue, settings.alertWaitS),
    ...failing(queue, settings.alertFailuresPercent),
    ...unconsumed(queue, overview, settings.drainMs),
  ])
  return [...queues, ...unsynced(overview, settings.alertNoSyncS, watchedSince)]
}

function waiting({ name, oldestWaitMs, paused }: QueueStanding, limitS: number): Condition[] {
  const value = Math.floor(oldestWaitMs / 1000)
  if (limitS === 0 || value <= limitS) return []
  const why = paused ? '; the queue is paused' : ''
  const message = `the oldest job of the queue ${name} has waited ${value} s, more than ${limitS} s${why}`
  return [{ name: `queue-wait:${name}`, message, value, since: null, patienceMs: 0 }]
}

function failing({ name, recent }: QueueStanding, limitPercent: number): Condition[] {
  const jobs = recent.finished + recent.failed
  if (limitPercent === 0 || jobs < LEAST_JOBS || recent.failed * 100 <= limitPercent * jobs) return []
  const value = Math.round((recent.failed / jobs) * 100)
  const message = `${recent.failed} of ${jobs} jobs of the queue ${name} failed in the last five minutes, more than ${limitPercent} %`
  return [{ name: `queue-failures:${name}`, message, value, since: null, patienceMs: 0 }]
}

/** Where workers are paused, somebody wanted it so; where a supervisor is at work, it replaces them. */
function unconsumed(
  { name, waiting, paused }: QueueStanding,
  { driver, workers, supervisors }: Overview,
  drainMs: number,
): Condition[] {
  if (driver === 'sync' || waiting === 0 || paused) return []
  if (workers.some(worker => worker.state !== 'draining' && consumes(worker, name))) return []
  const message = `${waiting} ${waiting === 1 ? 'job waits' : 'jobs wait'} in the queue ${name}, and no worker consumes it`
  const isReplaced = supervisors.some(({ state }) => state === 'working')
  return [
    { name: `not-consuming:${name}`, message, value: waiting, since: null, patienceMs: isReplaced ? drainMs + REPLACING_MS : 0 },
  ]
}

/** Nothing has been synced with success although tenants have been due all the time. */
function unsynced({ at, tenants, sources }: Overview, limitS: number, watchedSince: number): Condition[] {
  const { syncedAt, oldestAt, failingSince, dueAt } = tenants
  if (limitS === 0 || oldestAt === null || dueAt === null || sources.total === sources.retired) return []
  // What failed before it was watched may have succeeded until shortly before it began to.
  const failing = failingSince === null ? null : Math.min(failingSince, watchedSince)
  const since = Math.max(syncedAt ?? failing ?? watchedSince, failing ?? 0, oldestAt, dueAt)
  const value = Math.floor((at - since) / 1000)
  if (value <= limitS) return []
  const message = `no tenant was synced with success for ${value} s, more than ${limitS} s`
  return [{ name: 'no-sync', message, value, since, patienceMs: 0 }]
}
