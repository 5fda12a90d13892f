import { sql } from 'kysely'
import { randomToken } from '../kernel/hash.js'
import type { Catalog } from '../tenants/catalog.js'
import { insertRows, type RunTenantsTable } from '../tenants/databases/index.js'
import { parseTenantId, type TenantId } from '../tenants/ids.js'
import type { CheckScope } from './leases.js'
import type { TenantReport } from './report.js'

const KEEP_RUNS_MS = 7 * 24 * 3_600_000
/** A forced run that was abandoned longer ago forces nothing any more. */
const FORCE_LASTS_MS = 3_600_000

/** A sync of some tenants, or all. Its rows say what is left to do, so that it survives the loss of the queue. */
export interface Run extends CheckScope {
  readonly tenants: number
}

export interface RunProgress {
  readonly total: number
  readonly running: number
  readonly ended: number
  readonly failed: number
}

/** Begins a run over these tenants, or all active ones, with a row `queued` for each. */
export async function startRun(catalog: Catalog, tenants: readonly TenantId[] | 'all', forced: boolean): Promise<Run> {
  const runId = randomToken()
  const startedAt = Date.now()
  await pruneRuns(catalog, startedAt)
  await insertRows(catalog.database, 'runs', [{ id: runId, forced: forced ? 1 : 0, started_at: startedAt }])
  if (tenants === 'all') {
    const [rows, from] = [catalog.database.qualify('run_tenants'), catalog.database.qualify('tenants')]
    await sql`insert into ${sql.raw(rows)} (run_id, tenant_id, state) select ${runId}, id, 'queued' from ${sql.raw(from)} where state = 'active'`.execute(
      catalog.kysely,
    )
  } else {
    await insertRows(
      catalog.database,
      'run_tenants',
      tenants.map(id => ({ run_id: runId, tenant_id: id as number, state: 'queued' as const })),
    )
  }
  return { runId, startedAt, forced, tenants: (await runProgress(catalog, runId)).total }
}

/** Tenants of the run that have not ended, in pages of `limit`, after the given one. */
export async function unendedTenants(catalog: Catalog, runId: string, after: number, limit: number): Promise<TenantId[]> {
  const rows = await catalog.kysely
    .selectFrom('run_tenants')
    .select('tenant_id')
    .where('run_id', '=', runId)
    .where('state', 'in', ['queued', 'running'])
    .where('tenant_id', '>', after)
    .orderBy('tenant_id')
    .limit(limit)
    .execute()
  return rows.map(row => parseTenantId(row.tenant_id))
}

/**
 * Takes the tenant's part of every run that waits for it, under the job's token, and answers the scope that serves them all: what
 * is checked since the newest began is checked since the others did.
 * Without any (the run is over, or forgotten) the job is a run of its own.
 */
export async function takeTenant(catalog: Catalog, tenant: TenantId, jobToken: string): Promise<CheckScope> {
  const taken = await catalog.kysely
    .updateTable('run_tenants')
    .set({ state: 'running', job_token: jobToken })
    .where('tenant_id', '=', tenant)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst()
  if (taken.numUpdatedRows === 0n) return { runId: jobToken, startedAt: Date.now(), forced: false }
  const runs = await catalog.kysely
    .selectFrom('run_tenants')
    .innerJoin('runs', 'runs.id', 'run_tenants.run_id')
    .select(['runs.id', 'runs.forced', 'runs.started_at'])
    .where('run_tenants.tenant_id', '=', tenant)
    .where('run_tenants.state', '=', 'running')
    .where('run_tenants.job_token', '=', jobToken)
    .orderBy('runs.started_at', 'desc')
    .execute()
  const [newest] = runs
  if (newest === undefined) return { runId: jobToken, startedAt: Date.now(), forced: false }
  return {
    runId: newest.id,
    startedAt: newest.started_at,
    forced: runs.some(run => run.forced !== 0 && run.started_at > newest.started_at - FORCE_LASTS_MS),
  }
}

/** Ends the tenant's part of every run the job has taken: the one place where its outcome is written. */
export async function endTenant(
  catalog: Catalog,
  tenant: TenantId,
  jobToken: string,
  state: 'ok' | 'failed' | 'skipped',
  report: TenantReport,
): Promise<void> {
  await change(catalog, tenant, jobToken, { state, job_token: null, report: JSON.stringify(report), finished_at: Date.now() })
}

/** Gives the tenant's part back to the runs, to be done by another job. */
export async function handBackTenant(catalog: Catalog, tenant: TenantId, jobToken: string): Promise<void> {
  await change(catalog, tenant, jobToken, { state: 'queued', job_token: null })
}

async function change(catalog: Catalog, tenant: TenantId, jobToken: string, values: Partial<RunTenantsTable>): Promise<void> {
  await catalog.kysely
    .updateTable('run_tenants')
    .set(values)
    .where('tenant_id', '=', tenant)
    .where('state', '=', 'running')
    .where('job_token', '=', jobToken)
    .execute()
}

export async function runProgress(catalog: Catalog, runId: string): Promise<RunProgress> {
  const rows = await catalog.kysely
    .selectFrom('run_tenants')
    .select(eb => ['state', eb.fn.countAll<number>().as('tenants')])
    .where('run_id', '=', runId)
    .groupBy('state')
    .execute()
  const count = (...states: string[]) =>
    rows.filter(row => states.includes(row.state)).reduce((sum, row) => sum + Number(row.tenants), 0)
  return {
    total: count('queued', 'running', 'ok', 'failed', 'skipped'),
    running: count('running'),
    ended: count('ok', 'failed', 'skipped'),
    failed: count('failed'),
  }
}

/** Reports of the run's tenants in tenant order, a page at a time; a tenant that has not ended has none. */
export async function* runReports(
  catalog: Catalog,
  runId: string,
): AsyncGenerator<{ slug: string; state: RunTenantsTable['state']; report: TenantReport | null }> {
  for (let after = 0; ; ) {
    const rows = await catalog.kysely
      .selectFrom('run_tenants')
      .innerJoin('tenants', 'tenants.id', 'run_tenants.tenant_id')
      .select(['tenants.slug', 'run_tenants.tenant_id', 'run_tenants.state', 'run_tenants.report'])
      .where('run_tenants.run_id', '=', runId)
      .where('run_tenants.tenant_id', '>', after)
      .orderBy('run_tenants.tenant_id')
      .limit(1000)
      .execute()
    for (const row of rows)
      yield { slug: row.slug, state: row.state, report: row.report === null ? null : (JSON.parse(row.report) as TenantReport) }
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.tenant_id
  }
}

/** Ends what nobody will do any more: the tenants of an interrupted run that were not begun. */
export async function skipQueued(catalog: Catalog, runId: string): Promise<void> {
  await catalog.kysely
    .updateTable('run_tenants')
    .set({ state: 'skipped', finished_at: Date.now() })
    .where('run_id', '=', runId)
    .where('state', '=', 'queued')
    .execute()
}

export async function closeRun(catalog: Catalog, runId: string): Promise<void> {
  await catalog.kysely.updateTable('runs').set({ finished_at: Date.now() }).where('id', '=', runId).execute()
}

async function pruneRuns(catalog: Catalog, now: number): Promise<void> {
  const old = await catalog.kysely
    .selectFrom('runs')
    .select('id')
    .where('started_at', '<', now - KEEP_RUNS_MS)
    .limit(50)
    .execute()
  if (old.length === 0) return
  const ids = old.map(run => run.id)
  await catalog.kysely.deleteFrom('run_tenants').where('run_id', 'in', ids).execute()
  await catalog.kysely.deleteFrom('runs').where('id', 'in', ids).execute()
}
