import { z } from 'zod'
import { countEvents } from './analytics/count-events.js'
import type { EventLog } from './analytics/log/driver.js'
import { type EventRetention, pruneTenantEvents } from './analytics/prune.js'
import { startDueSyncs } from './feeds/due.js'
import { eachActiveTenant, pruneTenantJob } from './feeds/prune-jobs.js'
import type { RetentionPolicy } from './feeds/retention-policy.js'
import { buryTenantJob, type SyncIntake, type SyncJobParts, syncTenantJob } from './feeds/sync-job.js'
import { forgetUnreadCalmly } from './feeds/unread-sources.js'
import { Failure, isFailure, wordsOf } from './kernel/errors.js'
import type { Disks } from './media/disks/driver.js'
import { beginIntake } from './media/intake/begin.js'
import type { IntakeParts } from './media/intake/parts.js'
import { storeTenantMedia } from './media/intake/store-media.js'
import { type MediaPolicy, mediaPolicyOf } from './media/policy.js'
import { pruneMediaJob } from './media/prune-job.js'
import { pruneUnlinked } from './media/prune-unlinked.js'
import type { AddedJobs, JobBurial, JobContext, JobHandler, JobPayload, JobRequest } from './queues/index.js'
import { parseTenantId, type TenantId } from './tenants/ids.js'
import { unlessLocked } from './tenants/locks.js'
import { tendMoves } from './tenants/moving/tend.js'
import type { RemovalParts } from './tenants/removal.js'
import { removeDueTenants } from './tenants/remove-due.js'
import { keepSparesJob } from './tenants/spares/job.js'
import { findTenant } from './tenants/tenant.js'

/** What jobs need of a running feedctl. */
export interface JobParts extends Omit<SyncJobParts, 'again' | 'intake'> {
  readonly retention: RetentionPolicy
  readonly eventRetention: EventRetention
  /** What is stored of posts' media where a tenant has no policy of its own. */
  readonly mediaPolicy: MediaPolicy
  readonly disks: () => Promise<Disks>
  /** What media is stored with; opened by the first job that needs it. */
  readonly intake: () => Promise<IntakeParts>
  /** Where accepted events wait to be counted; opened by the first job that needs it. */
  readonly events: () => Promise<EventLog>
  /** The spare databases that are to be there, and the start of their names. */
  readonly spares: { readonly prefix: string; readonly wanted: number }
  /** What removals of tenants need. */
  readonly removal: (signal: AbortSignal) => Promise<RemovalParts>
  /** How long receipts of removed tenants, and rows of ended moves and migrations, are kept, days; 0 keeps them for good. */
  readonly receiptDays: number
  /** Deadline of one job. */
  readonly jobTimeoutMs: number
  /** Adds jobs, to be run here or elsewhere. */
  readonly add: (jobs: readonly JobRequest[]) => Promise<AddedJobs>
}

interface Job {
  readonly run: (parts: JobParts, payload: JobPayload, context: JobContext) => Promise<void>
  readonly bury?: (parts: JobParts, payload: JobPayload, failure: Failure) => Promise<void>
}

/** Events of one portion where the process that counts serves too: whoever wants the same file of SQLite waits for the transaction that counts them. */
const EVENTS_BESIDE_SERVING = 50_000

/** Between two attempts to count what could not be counted, or what somebody has who may be dead. */
const COUNT_AGAIN_MS = 30_000

const TENANT = z.object({ tenantId: z.number().int().positive() })
const tenantOf = (payload: JobPayload): TenantId => parseTenantId(TENANT.parse(payload).tenantId)

/** Every job there is: its name, and the capability that does it with a checked payload. */
const JOBS: Readonly<Record<string, Job>> = {
  SyncTenantFeeds: {
    run: async (parts, payload, context) => {
      const id = tenantOf(payload)
      const again = () => parts.add([syncTenantFeeds(id)])
      await syncTenantJob({ ...parts, again, intake: intakeOf(parts) }, id, context)
    },
    bury: (parts, payload, failure) => buryTenantJob(parts.catalog, tenantOf(payload), failure),
  },
  StartDueSyncs: {
    run: async ({ catalog, log, add, jobTimeoutMs }, _payload, { signal }) => {
      const send = async (tenants: readonly TenantId[]) => toTenants(await add(tenants.map(syncTenantFeeds)))
      await unlessLocked(catalog, 'start of due syncs', log, lost =>
        startDueSyncs(catalog, send, { signal: AbortSignal.any([signal, lost]), jobTimeoutMs }),
      )
    },
  },
  PrunePosts: {
    run: (parts, _payload, { signal }) =>
      eachActiveTenant(parts.catalog, signal, tenants => parts.add(tenants.map(pruneTenantPosts))),
  },
  PruneTenantPosts: {
    run: async (parts, payload, { signal }) => {
      const id = tenantOf(payload)
      await pruneTenantJob(parts.catalog, id, parts.retention, signal)
      await pruneTenantEvents(parts.catalog, id, parts.eventRetention, signal)
      await tendMedia(parts, id, signal)
    },
  },
  StoreTenantMedia: {
    run: async (parts, payload, { signal }) => {
      const id = tenantOf(payload)
      await storeTenantMedia(await parts.intake(), id, { signal, again: () => parts.add([storeMediaOf(id)]) })
    },
  },
  RemoveDeletedTenants: {
    run: async ({ catalog, log, removal, receiptDays }, _payload, { signal }) => {
      // Whatever becomes of the tenants: a bucket may be away.
      await removeDueTenants(catalog, log, { parts: await removal(signal), signal, receiptDays }).finally(() =>
        signal.aborted ? null : forgetUnreadCalmly(catalog, log, signal),
      )
    },
  },
  KeepSpareDatabases: {
    run: ({ catalog, log, spares }, _payload, { signal }) => keepSparesJob(catalog, log, spares, signal),
  },
  TendMoves: { run: ({ catalog, log }, _payload, { signal }) => tendMoves(catalog, log, signal) },
  BatchAnalytics: { run: (parts, _payload, context) => batchAgain(parts, context) },
  PruneMedia: { run: ({ catalog, disks, log }, _payload, { signal }) => pruneMediaJob({ catalog, disks, log }, signal) },
}

/** Runs any of the jobs. @throws {Failure} UNKNOWN_JOB for a name that a later version gave */
export function jobHandler(parts: JobParts): JobHandler {
  return async (name, payload, context) => {
    const job = JOBS[name]
    if (job === undefined) throw new Failure('UNKNOWN_JOB', `this feedctl knows no job ${name}`, { hint: 'upgrade the workers' })
    await job.run(parts, payload, context)
  }
}

/** Writes the outcome of jobs that end without a word. */
export function jobBurial(parts: JobParts): JobBurial {
  return async (name, payload, failure) => {
    await JOBS[name]?.bury?.(parts, payload, failure)
  }
}

function intakeOf({ catalog, mediaPolicy, add }: JobParts): SyncIntake {
  return {
    begin: tenant => beginIntake(catalog, tenant, mediaPolicyOf(mediaPolicy, tenant)),
    add: id => add([storeMediaOf(id)]),
  }
}

/**
 * What failed once is tried again, also when the tenant's feeds bring nothing new; and files that no post names any more go. Calm about a tenant that is gone or
 * not active (any more).
 */
async function tendMedia(parts: JobParts, id: TenantId, signal: AbortSignal): Promise<void> {
  const tenant = await findTenant(parts.catalog, id)
  if (tenant?.state !== 'active') return
  const intake = intakeOf(parts)
  try {
    const waits = await intake.begin(tenant)
    // Whatever becomes of the pruning: a bucket may be away.
    await pruneUnlinked(parts, tenant, { dryRun: false, signal }).finally(() => (waits ? intake.add(id) : null))
  } catch (error) {
    const left = isFailure(error) && !signal.aborted && (await findTenant(parts.catalog, id))?.state !== 'active'
    if (!left) throw error
  }
}

/** Counts what waits. After the last attempt another job tries later: nobody may come by who wakes one. */
async function batchAgain(parts: JobParts, { signal, last }: JobContext): Promise<void> {
  try {
    await batchEvents(parts, signal)
  } catch (error) {
    if (last && (!isFailure(error) || error.retry)) {
      await parts
        .add([batchAnalytics(COUNT_AGAIN_MS)])
        .catch(why => parts.log.warn('analytics: the job that counts events could not be added', { why: wordsOf(why) }))
    }
    throw error
  }
}

/** Counts what waits; where not all of it could be counted, another job goes on. */
async function batchEvents(parts: JobParts, signal: AbortSignal): Promise<void> {
  const { catalog, log, eventRetention, jobTimeoutMs } = parts
  const events = await parts.events()
  const enough = AbortSignal.timeout(jobTimeoutMs / 2)
  const report = await countEvents(
    {
      catalog,
      log,
      events,
      rawDays: eventRetention.analyticsRawDays,
      ...(events.name === 'journal' ? { eventsPerTake: EVENTS_BESIDE_SERVING } : {}),
    },
    AbortSignal.any([signal, enough]),
  )
  signal.throwIfAborted()
  for (const { slug, failure } of report.failures)
    log.warn('events of a tenant could not be counted', { tenant: slug, code: failure.code, why: failure.message })
  if (report.returned > 0) await parts.add([batchAnalytics(COUNT_AGAIN_MS)])
  else if (enough.aborted) await parts.add([batchAnalytics(0)])
  // This may be the job of a worker that was killed, which has what it took for a minute yet: nobody may come by after that.
  else if (await events.isTaken()) await parts.add([countLeftBehind()])
}

export function syncTenantFeeds(tenantId: TenantId): JobRequest {
  return { queue: 'sync', name: 'SyncTenantFeeds', payload: { tenantId }, dedupeId: `tenant:${tenantId}` }
}

/** Counts what waits in the log of events, once it has been gathered for so long, ms. */
export function batchAnalytics(delayMs: number): JobRequest {
  return { queue: 'analytics', name: 'BatchAnalytics', payload: {}, dedupeId: 'analytics', delayMs }
}

/** A job of its own: events that are accepted meanwhile do not wait as long. */
export function countLeftBehind(): JobRequest {
  return { ...batchAnalytics(COUNT_AGAIN_MS), dedupeId: 'analytics:left-behind' }
}

/** Makes the spare databases that were taken. */
export function keepSpareDatabases(): JobRequest {
  return { queue: 'maintenance', name: 'KeepSpareDatabases', payload: {}, dedupeId: 'spare-databases' }
}

function storeMediaOf(tenantId: TenantId): JobRequest {
  return { queue: 'media', name: 'StoreTenantMedia', payload: { tenantId }, dedupeId: `media:${tenantId}` }
}

function pruneTenantPosts(tenantId: TenantId): JobRequest {
  return { queue: 'maintenance', name: 'PruneTenantPosts', payload: { tenantId }, dedupeId: `prune:${tenantId}` }
}

/** What was added of tenants' jobs, the quarantined ones by tenant. */
export function toTenants(added: AddedJobs): { added: number; existing: number; quarantined: TenantId[] } {
  return { ...added, quarantined: added.quarantined.map(id => parseTenantId(Number(id.split(':')[1]))) }
}
