import { type Failure, isFailure, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { retry } from '../kernel/retry.js'
import { isHeldOff, tenantMoving } from '../tenants/admission.js'
import type { Catalog } from '../tenants/catalog.js'
import { contentChanged } from '../tenants/content-version.js'
import type { TenantId } from '../tenants/ids.js'
import { type Tenant, tenantOf, tenantRows } from '../tenants/tenant.js'
import { joinReports, type TenantReport } from './report.js'
import { OUTAGE_PATIENCE, startRun } from './runs.js'
import { isDue } from './schedule.js'
import { type SyncParts, syncTenant } from './sync-tenant.js'
import { endAllFailed, endPart, handBack, type Part, passOn, takePart } from './tenant-part.js'

/** The media of what is stored, seen from here. */
export interface SyncIntake {
  /** Told before anything of the tenant is stored. Answers whether media waits to be stored already. @throws {Failure} UNAVAILABLE */
  begin(tenant: Tenant): Promise<boolean>
  /** Has the media of the tenant stored, some time. */
  add(tenant: TenantId): Promise<unknown>
}

export interface SyncJobParts {
  readonly catalog: Catalog
  readonly log: Log
  /** What the work is done with; opened by the first job that needs it. */
  readonly sync: () => Promise<SyncParts>
  /** Feeds that one job does of a tenant; the rest is done by jobs after it, behind those of other tenants that wait. */
  readonly chunk: number
  /** Adds the same job again: it runs when this one is over, after all that wait now. */
  readonly again: () => Promise<unknown>
  /** Null where no media is stored. */
  readonly intake: SyncIntake | null
}

export interface SyncJobContext {
  /** Unique to this attempt. */
  readonly token: string
  /** No attempt follows a failure of this one. */
  readonly last: boolean
  /** Aborted to give the tenant back (INTERRUPTED), and when its time is over (JOB_TIMEOUT). */
  readonly signal: AbortSignal
}

/** What is to be written of a job's part. */
type Outcome =
  | {
      readonly kind: 'ended'
      readonly state: 'ok' | 'failed' | 'skipped'
      readonly report: TenantReport
      /** Those who keep answers about the tenant are to be told that its content changed. */
      readonly untold: boolean
    }
  /** Feeds are left for the next job. */
  | { readonly kind: 'more'; readonly afterFeed: number; readonly report: TenantReport }
  | { readonly kind: 'back' }

/**
 * The job `SyncTenantFeeds`: the next `chunk` feeds of the runs of a tenant that are furthest (see `nextGroup`). Then the same job is added again when
 * feeds are left, or when other runs wait for the tenant. The outcome of what it has taken is written at one place, also when the parts that do the work
 * cannot be opened. Of a tenant that a move holds off the runs end as skipped. A job that finds no run waiting is a run of its own when the tenant is due, or failed the last time; else it does nothing.
 * @throws {Failure} the signal's reason; UNAVAILABLE, when another attempt may succeed; whatever was thrown
 */
export async function syncTenantJob(parts: SyncJobParts, id: TenantId, context: SyncJobContext): Promise<void> {
  const { catalog, log } = parts
  const { signal } = context
  // Patient: when the last attempt gave up here, nobody would write the tenant's outcome.
  const part = await retry(() => takeOrBegin(catalog, id, context.token), { ...OUTAGE_PATIENCE, signal })
  if (part === null) return
  const begun = performance.now()
  const { outcome, error } = await attempted(parts, part, context)
  if (error !== null && !signal.aborted && !isFailure(error)) {
    log.error('a bug in feedctl: a job failed', { tenant: id, stack: (error instanceof Error && error.stack) || String(error) })
  }
  await settle(parts, part, withTime(outcome, performance.now() - begun), context)
  if (error !== null) throw signal.aborted ? signal.reason : error
}

/** The job ends without its handler: every part of the tenant that has not ended has failed, whoever has taken it. @throws {Failure} UNAVAILABLE */
export async function buryTenantJob(catalog: Catalog, id: TenantId, failure: Failure): Promise<void> {
  await bury(catalog, id, failureOf(failure))
}

function bury(catalog: Catalog, id: TenantId, failure: NonNullable<TenantReport['failure']>): Promise<void> {
  return retry(() => endAllFailed(catalog, id, failure), OUTAGE_PATIENCE)
}

async function takeOrBegin(catalog: Catalog, id: TenantId, token: string): Promise<Part | null> {
  const part = await takePart(catalog, id, token)
  if (part !== null) return part
  const tenant = await catalog.kysely
    .selectFrom('tenants')
    .select(['next_sync_at', 'sync_failures'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (tenant === undefined || (tenant.sync_failures === 0 && !isDue(tenant.next_sync_at ?? 0, Date.now()))) return null
  await startRun(catalog, [id], { scheduled: true })
  return takePart(catalog, id, token)
}

async function attempted(
  parts: SyncJobParts,
  part: Part,
  { signal, last }: SyncJobContext,
): Promise<{ outcome: Outcome; error: unknown }> {
  try {
    return { outcome: await worked(parts, part, signal), error: null }
  } catch (error) {
    if (isHeldOff(error) && !signal.aborted) return { outcome: heldOff(part, error), error: null }
    const isFinal = last || (!signal.aborted && isFailure(error) && !error.retry)
    if (isInterrupted(signal) || !isFinal) return { outcome: { kind: 'back' }, error }
    const failure = failureOf(signal.aborted ? signal.reason : error)
    return { outcome: { kind: 'ended', state: 'failed', report: { ...part.done, failure }, untold: false }, error }
  }
}

async function worked(parts: SyncJobParts, part: Part, signal: AbortSignal): Promise<Outcome> {
  const { catalog, sync, chunk, intake } = parts
  const tenant = await workableTenant(catalog, part.tenant)
  if (tenant === null) return { kind: 'ended', state: 'skipped', report: part.done, untold: false }
  if (tenant === 'moving') return heldOff(part, tenantMoving(part.tenant))
  const waits = (await intake?.begin(tenant)) ?? false
  const { report, afterFeed, untold } = await syncTenant(await sync(), tenant, { ...part, atMost: chunk }, signal)
  if (waits || report.posts.new > 0) await addMedia(parts, tenant.id)
  const sum = joinReports(part.done, report)
  if (afterFeed === null) return { kind: 'ended', state: 'ok', report: sum, untold }
  if (untold) await contentChanged(catalog, tenant.id)
  return { kind: 'more', afterFeed, report: sum }
}

/** Feeds are synced whatever becomes of their media: the next sync finds what waits. */
async function addMedia({ intake, log }: SyncJobParts, tenant: TenantId): Promise<void> {
  await intake?.add(tenant).catch(error => log.warn('media is stored after a later sync', { tenant, why: wordsOf(error) }))
}

/** Null when its jobs are put aside, or it is not active (any more). */
async function workableTenant(catalog: Catalog, id: TenantId): Promise<Tenant | 'moving' | null> {
  const row = await tenantRows(catalog).where('tenants.id', '=', id).executeTakeFirst()
  if (row === undefined || row.state !== 'active' || row.paused_at !== null) return null
  return row.move_id === null ? tenantOf(row) : 'moving'
}

/** Its runs end without it, and say why; whoever lifts the fence makes it due. */
function heldOff(part: Part, { code, message }: Failure): Outcome {
  return { kind: 'ended', state: 'skipped', report: { ...part.done, failure: { code, message } }, untold: false }
}

function withTime(outcome: Outcome, ms: number): Outcome {
  if (outcome.kind === 'back') return outcome
  return { ...outcome, report: { ...outcome.report, tookMs: Math.round(outcome.report.tookMs + ms) } }
}

/** Writes the outcome, and sees to it that what is left has a job. When neither can be done in the last attempt, everything of the tenant has failed. */
async function settle(parts: SyncJobParts, part: Part, outcome: Outcome, { signal, last }: SyncJobContext): Promise<void> {
  const { catalog, log, again } = parts
  if (outcome.kind === 'back') {
    // What cannot be given back is taken over by the next attempt.
    await handBack(catalog, part).catch(error =>
      log.warn('a tenant is not given back', { tenant: part.tenant, why: wordsOf(error) }),
    )
    return
  }
  const patience = { ...OUTAGE_PATIENCE, signal }
  try {
    if (outcome.kind === 'more') await retry(() => passOn(catalog, part, outcome.afterFeed, outcome.report), patience)
    else await retry(() => endPart(catalog, part, outcome), outcome.state === 'failed' ? OUTAGE_PATIENCE : patience)
    if (outcome.kind === 'more' || part.others) await retry(again, patience)
  } catch (error) {
    const cause = signal.aborted ? signal.reason : error
    if (last && !isInterrupted(signal)) await bury(catalog, part.tenant, failureOf(cause))
    throw cause
  }
}

/** To be given back: not because its own time is over. */
function isInterrupted(signal: AbortSignal): boolean {
  return signal.aborted && !isFailure(signal.reason, 'JOB_TIMEOUT')
}

function failureOf(error: unknown): NonNullable<TenantReport['failure']> {
  return isFailure(error) ? { code: error.code, message: error.message } : { code: 'UNAVAILABLE', message: String(error) }
}
