import { type SqlBool, sql } from 'kysely'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import { contentChanged, contentColumns } from '../tenants/content-version.js'
import type { RunTenantsTable } from '../tenants/databases/index.js'
import type { TenantId } from '../tenants/ids.js'
import type { CheckScope } from './leases.js'
import { nextSyncAt } from './next-sync.js'
import { emptyTenantReport, reachedNobody, type TenantReport } from './report.js'

/** A forced run that was abandoned longer ago forces nothing any more. */
const FORCE_LASTS_MS = 3_600_000

/** What a run that waits for a tenant says. */
export interface WaitingPart {
  readonly run_id: string
  readonly after_feed: number | null
  readonly report: string | null
  readonly forced: number
  readonly started_at: number
  readonly finished_at: number | null
}

/** What one job does of a tenant's parts of runs. */
export interface Part {
  readonly tenant: TenantId
  readonly token: string
  /** What is checked since the newest of the runs began is checked for all that the job serves. */
  readonly scope: CheckScope
  /** The last feed that is done already; 0 before the first. */
  readonly after: number
  /** Of the feeds that are done. */
  readonly done: TenantReport
  /** Whether other runs go on waiting for the tenant meanwhile. */
  readonly others: boolean
  /** Epoch ms: before the tenant's feeds were read. */
  readonly takenAt: number
}

/** How a part comes to its end. */
export interface PartEnd {
  readonly state: 'ok' | 'failed' | 'skipped'
  readonly report: TenantReport
  /** Whether those who keep answers about the tenant are to be told that its content changed. */
  readonly untold: boolean
}

/**
 * The parts that one job serves, the newest run first. Runs that wait at the same feed are served together; of those that wait at different ones, the
 * furthest first: what it began is ended before anything is begun anew, and the others find the rest of the feeds checked when they come there.
 */
export function nextGroup<Waiting extends WaitingPart>(waiting: readonly Waiting[]): Waiting[] {
  const furthest = Math.max(...waiting.map(part => part.after_feed ?? 0))
  const there = waiting
    .filter(part => (part.after_feed ?? 0) === furthest)
    .sort((a, b) => b.started_at - a.started_at || (a.run_id < b.run_id ? 1 : -1))
  // Only parts that have come to the same may go on as one.
  return furthest === 0 ? there : there.filter(part => part.report === there[0]?.report)
}

/** Whether every source is asked, due or not: when a run that somebody still follows, and that is not old, wants it. */
export function isForced(group: readonly WaitingPart[]): boolean {
  const newest = Math.max(...group.map(part => part.started_at))
  return group.some(part => part.forced !== 0 && part.finished_at === null && part.started_at > newest - FORCE_LASTS_MS)
}

/** Takes the next of the tenant's parts under the job's token, also from a job that died with them; null when no run waits for it. */
export async function takePart(catalog: Catalog, tenant: TenantId, token: string): Promise<Part | null> {
  for (;;) {
    const takenAt = Date.now()
    const waiting = await waitingParts(catalog.kysely, tenant)
    const group = nextGroup(waiting)
    const [newest] = group
    if (newest === undefined) return null
    const taken = await unended(catalog.kysely, tenant)
      .set({ state: 'running', job_token: token })
      .where(
        'run_id',
        'in',
        group.map(part => part.run_id),
      )
      .where('after_feed', newest.after_feed === null ? 'is' : '=', newest.after_feed)
      .executeTakeFirst()
    // A job that was thought dead has gone on with them meanwhile.
    if (taken.numUpdatedRows === 0n) continue
    return {
      tenant,
      token,
      scope: { runId: newest.run_id, startedAt: newest.started_at, forced: isForced(group) },
      after: newest.after_feed ?? 0,
      done: readReport(newest.report),
      others: group.length < waiting.length,
      takenAt,
    }
  }
}

/** Passes the part on to the next job, with the feeds that are done: in one statement, so that nothing is done, or counted, twice. */
export async function passOn(catalog: Catalog, part: Part, afterFeed: number, report: TenantReport): Promise<void> {
  await change(catalog.kysely, part, { state: 'queued', job_token: null, after_feed: afterFeed, report: JSON.stringify(report) })
}

/** Gives the part back as it was taken, to be done by another job. */
export async function handBack(catalog: Catalog, part: Part): Promise<void> {
  await change(catalog.kysely, part, { state: 'queued', job_token: null })
}

/**
 * Ends the part: the one place where a tenant's outcome is written, for its runs and for when it is synced next, at once or not at all. Of
 * one that another job has taken over nothing is written.
 */
export async function endPart(catalog: Catalog, part: Part, { state, report, untold }: PartEnd): Promise<void> {
  const end = { state, job_token: null, report: JSON.stringify(report), finished_at: Date.now() }
  await atOnce(catalog, async kysely => {
    if (await change(kysely, part, end))
      await writeStanding({ ...catalog, kysely }, part.tenant, { state, report, untold }, part.takenAt)
    else if (untold) await contentChanged({ ...catalog, kysely }, part.tenant)
  })
}

/** Ends all the parts of a tenant that have not ended, whoever has taken them; all, with what it leaves with the tenant, or none. */
export async function endAllFailed(
  catalog: Catalog,
  tenant: TenantId,
  failure: NonNullable<TenantReport['failure']>,
): Promise<void> {
  await atOnce(catalog, async kysely => {
    const now = Date.now()
    const waiting = await waitingParts(kysely, tenant)
    if (waiting.length === 0) return
    for (const part of waiting) {
      const report = JSON.stringify({ ...readReport(part.report), failure })
      await unended(kysely, tenant)
        .set({ state: 'failed', job_token: null, report, finished_at: now })
        .where('run_id', '=', part.run_id)
        .execute()
    }
    const [furthest] = nextGroup(waiting)
    const report = { ...readReport(furthest?.report ?? null), failure }
    await writeStanding({ ...catalog, kysely }, tenant, { state: 'failed', report, untold: false }, now)
  })
}

/** A part that has ended is found by nobody again: without its tenant's standing that would be lost for good. */
function atOnce(catalog: Catalog, deed: (kysely: Catalog['kysely']) => Promise<void>): Promise<void> {
  return retry(() => catalog.kysely.transaction().execute(deed), BRIEFLY)
}

function waitingParts(kysely: Catalog['kysely'], tenant: TenantId) {
  return kysely
    .selectFrom('run_tenants')
    .innerJoin('runs', 'runs.id', 'run_tenants.run_id')
    .select(['run_id', 'after_feed', 'report', 'runs.forced', 'runs.started_at', 'runs.finished_at'])
    .where('tenant_id', '=', tenant)
    .where('state', 'in', ['queued', 'running'])
    .execute()
}

function unended(kysely: Catalog['kysely'], tenant: TenantId) {
  return kysely.updateTable('run_tenants').where('tenant_id', '=', tenant).where('state', 'in', ['queued', 'running'])
}

/** False when another job has the part now, or it has ended. */
async function change(kysely: Catalog['kysely'], { tenant, token }: Part, values: Partial<RunTenantsTable>): Promise<boolean> {
  const changed = await kysely
    .updateTable('run_tenants')
    .set(values)
    .where('tenant_id', '=', tenant)
    .where('state', '=', 'running')
    .where('job_token', '=', token)
    .executeTakeFirst()
  return changed.numUpdatedRows > 0n
}

async function writeStanding(
  catalog: Catalog,
  tenant: TenantId,
  { state, report, untold }: PartEnd,
  takenAt: number,
): Promise<void> {
  const now = Date.now()
  const end = { state, code: report.failure?.code ?? null, dueAt: report.dueAt, outageFeeds: report.outage.feeds }
  const nextAt = nextSyncAt(end, now)
  const changedSince = sql<SqlBool>`updated_at > ${takenAt}`
  const history = {
    synced_at: now,
    sync_ms: report.tookMs,
    sync_failures: state === 'ok' && !reachedNobody(report) ? 0 : sql<number>`sync_failures + 1`,
    sync_feeds_failed: report.feeds.failed,
  }
  await catalog.kysely
    .updateTable('tenants')
    // Feeds that were added since are not in the report: then it is due.
    .set({ next_sync_at: sql<number | null>`case when ${changedSince} then null else ${nextAt} end` })
    .$if(state !== 'skipped', update => update.set(history))
    .$if(untold, update => update.set(contentColumns(catalog)))
    .where('id', '=', tenant)
    .execute()
}

function readReport(text: string | null): TenantReport {
  return text === null ? emptyTenantReport() : { ...emptyTenantReport(), ...(JSON.parse(text) as TenantReport) }
}
