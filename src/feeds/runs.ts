import { sql } from 'kysely'
import { chunksOf } from '../kernel/chunks.js'
import { randomToken } from '../kernel/hash.js'
import type { Catalog } from '../tenants/catalog.js'
import { insertRows, type RunTenantsTable } from '../tenants/databases/index.js'
import { parseTenantId, type TenantId } from '../tenants/ids.js'
import type { CheckScope } from './leases.js'
import type { TenantReport } from './report.js'

const DAY_MS = 24 * 3_600_000
/** Nobody followed it: what it came to stands with its tenants. */
const KEEP_SCHEDULED_MS = DAY_MS
const KEEP_RUNS_MS = 7 * DAY_MS
/** Runs that are pruned when one begins: more than begin, and few, for each may have thousands of rows. */
const PRUNED_AT_ONCE = 10
const IDS_PER_STATEMENT = 1_000

/** For what must be written, while a database or the queue is away for a minute. */
export const OUTAGE_PATIENCE = { tries: 30, firstMs: 250, maxMs: 2_000 } as const

/** A sync of some tenants, or all. Its rows say what is left to do, so that it survives the loss of the queue. */
export interface Run extends CheckScope {
  readonly tenants: number
  /** Slugs of those that were named and are paused: their part is skipped. */
  readonly paused: readonly string[]
}

export interface RunProgress {
  readonly total: number
  readonly running: number
  readonly ended: number
  readonly failed: number
  /** Grows with every tenant that ends, and with every piece of a large one. */
  readonly steps: number
}

/** Begins a run over these tenants, or all active ones that are not paused, with a row `queued` for each. */
export async function startRun(
  catalog: Catalog,
  tenants: readonly TenantId[] | 'all',
  { forced = false, scheduled = false }: { readonly forced?: boolean; readonly scheduled?: boolean } = {},
): Promise<Run> {
  const startedAt = Date.now()
  const runId = await beginRun(catalog, { forced, scheduled }, startedAt)
  const paused = tenants === 'all' ? await addAll(catalog, runId) : await addNamed(catalog, runId, tenants)
  return { runId, startedAt, forced, tenants: (await runProgress(catalog, runId)).total, paused }
}

/** Begins a run that has no tenants yet, and answers its id. */
export async function beginRun(
  catalog: Catalog,
  { forced = false, scheduled = false }: { readonly forced?: boolean; readonly scheduled?: boolean },
  startedAt: number,
): Promise<string> {
  const id = randomToken()
  await pruneRuns(catalog, startedAt)
  await insertRows(catalog.database, 'runs', [
    { id, forced: forced ? 1 : 0, scheduled: scheduled ? 1 : 0, started_at: startedAt },
  ])
  return id
}

async function addAll(catalog: Catalog, runId: string): Promise<string[]> {
  const [rows, from] = [catalog.database.qualify('run_tenants'), catalog.database.qualify('tenants')]
  await sql`insert into ${sql.raw(rows)} (run_id, tenant_id, state) select ${runId}, id, 'queued' from ${sql.raw(from)} where state = 'active' and paused_at is null`.execute(
    catalog.kysely,
  )
  return []
}

/** Adds a row of the run for each of these tenants. Answers the slugs of those that are paused: theirs is `skipped` already. */
async function addNamed(catalog: Catalog, runId: string, tenants: readonly TenantId[]): Promise<string[]> {
  const slugs: string[] = []
  for (const chunk of chunksOf(tenants, IDS_PER_STATEMENT)) {
    const rows = await catalog.kysely
      .selectFrom('tenants')
      .select(['id', 'slug'])
      .where('id', 'in', chunk)
      .where('paused_at', 'is not', null)
      .execute()
    const paused = new Set<number>(rows.map(row => row.id))
    const now = Date.now()
    const parts = chunk.map(id => ({
      run_id: runId,
      tenant_id: id as number,
      state: paused.has(id) ? ('skipped' as const) : ('queued' as const),
      finished_at: paused.has(id) ? now : null,
    }))
    await insertRows(catalog.database, 'run_tenants', parts)
    slugs.push(...rows.map(row => row.slug))
  }
  return slugs
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

export async function runProgress(catalog: Catalog, runId: string): Promise<RunProgress> {
  const rows = await catalog.kysely
    .selectFrom('run_tenants')
    .select(eb => ['state', eb.fn.countAll<number>().as('tenants'), eb.fn.sum<number | null>('after_feed').as('feeds')])
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
    steps: count('ok', 'failed', 'skipped') + rows.reduce((sum, row) => sum + Number(row.feeds ?? 0), 0),
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

/**
 * Ends what nobody will do any more in any run, of one tenant or all: their jobs have been taken out of the queue. What a job has begun
 * stays. Answers of how many tenants, those that were taken in this very moment included.
 */
export async function skipWaiting(catalog: Catalog, tenantId: number | null): Promise<number> {
  const tenants = new Set<number>()
  for (let after = { run_id: '', tenant_id: 0 }; ; ) {
    const page = await catalog.kysely
      .selectFrom('run_tenants')
      .select(['run_id', 'tenant_id'])
      .where('state', '=', 'queued')
      .$if(tenantId !== null, query => query.where('tenant_id', '=', tenantId))
      .where(eb =>
        eb.or([
          eb('run_id', '>', after.run_id),
          eb.and([eb('run_id', '=', after.run_id), eb('tenant_id', '>', after.tenant_id)]),
        ]),
      )
      .orderBy('run_id')
      .orderBy('tenant_id')
      .limit(IDS_PER_STATEMENT)
      .execute()
    for (const runId of new Set(page.map(row => row.run_id))) {
      const ids = page.filter(row => row.run_id === runId).map(row => row.tenant_id)
      await catalog.kysely
        .updateTable('run_tenants')
        .set({ state: 'skipped', finished_at: Date.now() })
        .where('run_id', '=', runId)
        .where('tenant_id', 'in', ids)
        .where('state', '=', 'queued')
        .execute()
    }
    for (const { tenant_id } of page) tenants.add(tenant_id)
    const last = page.at(-1)
    if (last === undefined || page.length < IDS_PER_STATEMENT) return tenants.size
    after = last
  }
}

export async function closeRun(catalog: Catalog, runId: string): Promise<void> {
  await catalog.kysely.updateTable('runs').set({ finished_at: Date.now() }).where('id', '=', runId).execute()
}

async function pruneRuns(catalog: Catalog, now: number): Promise<void> {
  const old = await catalog.kysely
    .selectFrom('runs')
    .select('id')
    .where('started_at', '<', now - KEEP_SCHEDULED_MS)
    .where(eb => eb.or([eb('scheduled', '=', 1), eb('started_at', '<', now - KEEP_RUNS_MS)]))
    .orderBy('started_at')
    .limit(PRUNED_AT_ONCE)
    .execute()
  for (const { id } of old) {
    await catalog.kysely.deleteFrom('run_tenants').where('run_id', '=', id).execute()
    await catalog.kysely.deleteFrom('runs').where('id', '=', id).execute()
  }
}
