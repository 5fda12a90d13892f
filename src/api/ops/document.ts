import { hostname } from 'node:os'
import type { Config } from '../../kernel/config.js'
import type { SupervisorCard, WorkerCard } from '../../queues/index.js'
import type { QueueStanding, RunStanding, TenantStanding } from '../../watch/overview.js'
import { healthOf } from './health.js'
import { phaseGauge } from './phase-gauge.js'
import type { Standing } from './standing.js'

/** Of hundreds of workers these are shown one by one. */
const WORKERS_SHOWN = 50
const SCALINGS_SHOWN = 3

/** What the process says of itself. */
export interface Installation {
  readonly config: Config
  readonly version: string
  /** Epoch ms. */
  readonly startedAt: number
}

/** The dashboard's JSON: snake_case, times in ISO 8601, durations in ms. */
export function documentOf(standing: Standing, installation: Installation) {
  const { overview, placements, backlog, rates } = standing
  const { tenants, sources } = overview
  const { states } = tenants
  return {
    at: iso(overview.at),
    installation: installationOf(installation),
    health: healthOf(overview),
    phase: snakePhase(states.provisioning + states.active + states.suspended),
    driver: overview.driver,
    run: overview.run === null ? null : runOf(overview.run),
    queues: overview.queues.map(queueOf),
    workers: { total: overview.workers.length, shown: overview.workers.slice(0, WORKERS_SHOWN).map(workerOf) },
    supervisors: overview.supervisors.map(supervisorOf),
    tenants: {
      states,
      active: tenants.active,
      paused: tenants.paused,
      failing: tenants.failing,
      failed: tenants.failed,
      synced_at: iso(tenants.syncedAt),
      placements,
      slowest: tenants.slowest.map(tenant => tenantOf(tenant, standing)),
      most_failing: tenants.mostFailing.map(tenant => tenantOf(tenant, standing)),
    },
    sources: {
      read_at: iso(sources.readAt),
      total: sources.total,
      failing: sources.failing,
      due: sources.due,
      retired: sources.retired,
      failures: sources.failures,
      listed: sourcesOf(standing),
    },
    alerts: overview.alerts.map(({ name, message, since }) => ({ name, message, since: iso(since) })),
    analytics: {
      accepted_per_s: rates.acceptedPerS,
      refused_per_s: rates.refusedPerS,
      backlog: backlog && { batches: backlog.batches, bytes: backlog.bytes, oldest_at: iso(backlog.oldestAt) },
    },
    api: {
      requests_per_s: rates.requestsPerS,
      errors_per_s: rates.errorsPerS,
      hit_ratio: rates.hitRatio,
      p95_ms: rates.p95Ms,
    },
  }
}

export type OpsDocument = ReturnType<typeof documentOf>

function installationOf({ config, version, startedAt }: Installation) {
  return {
    name: config.dbDatabase,
    version,
    node: process.versions.node,
    host: hostname(),
    pid: process.pid,
    started_at: iso(startedAt),
    rss_bytes: process.memoryUsage.rss(),
    drivers: {
      database: config.dbConnection,
      cache: config.cacheDriver,
      sessions: config.sessionDriver,
      queue: config.queueConnection,
      disk: config.filesystemDisk,
    },
  }
}

function snakePhase(tenants: number) {
  const { usedPercent, ...phase } = phaseGauge(tenants)
  return { ...phase, used_percent: usedPercent }
}

function runOf({ runId, startedAt, finishedAt, scheduled, total, running, ended, failed }: RunStanding) {
  return { id: runId, started_at: iso(startedAt), finished_at: iso(finishedAt), scheduled, total, running, ended, failed }
}

function queueOf({ oldestWaitMs, processedPerS, meanJobMs, ...queue }: QueueStanding) {
  return { ...queue, oldest_wait_ms: oldestWaitMs, processed_per_s: processedPerS, mean_job_ms: meanJobMs }
}

function workerOf({ host, pid, state, startedAt, seenAt, rssBytes, queues, jobs }: WorkerCard) {
  return {
    host,
    pid,
    state,
    started_at: iso(startedAt),
    seen_at: iso(seenAt),
    rss_bytes: rssBytes,
    queues: queues.map(({ name, slots, active, perS }) => ({ name, slots, active, per_s: perS })),
    jobs: jobs.length,
  }
}

function supervisorOf(card: SupervisorCard) {
  const { host, pid, state, startedAt, min, max, ceiling, workers, targetWaitS, scalings } = card
  return {
    host,
    pid,
    state,
    started_at: iso(startedAt),
    min,
    max,
    ceiling,
    workers,
    target_wait_ms: targetWaitS * 1000,
    scalings: scalings.slice(0, SCALINGS_SHOWN).map(({ at, from, to, why }) => ({ at: iso(at), from, to, why })),
  }
}

function tenantOf({ id, slug, syncedAt, syncMs, syncFailures, feedsFailed, paused }: TenantStanding, { names }: Standing) {
  const name = names.get(id) ?? slug
  return { slug, name, synced_at: iso(syncedAt), sync_ms: syncMs, sync_failures: syncFailures, feeds_failed: feedsFailed, paused }
}

function sourcesOf({ failingSources }: Standing) {
  return failingSources.map(({ url, code, message, failures, checkedAt, changedAt, nextCheckAt }) => ({
    url,
    code,
    message,
    failures,
    checked_at: iso(checkedAt),
    changed_at: iso(changedAt),
    next_check_at: iso(nextCheckAt),
  }))
}

function iso(at: number): string
function iso(at: number | null): string | null
function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
