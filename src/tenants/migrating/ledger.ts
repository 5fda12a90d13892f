import { Failure, type FailureCode } from '../../kernel/errors.js'
import { randomToken } from '../../kernel/hash.js'
import { holderIsGone, newHolder } from '../../kernel/holder.js'
import type { Catalog } from '../catalog.js'
import { insertRows, type MigrationRunsTable } from '../databases/index.js'

const RUNS_PER_PAGE = 100

/** A run of `tenant migrate`, as its row has it. */
export interface MigrationRun {
  readonly id: string
  readonly scope: MigrationRunsTable['scope']
  readonly state: MigrationRunsTable['state']
  readonly toVersion: number
  /** As it was begun with; what it is, its reader knows. */
  readonly options: unknown
  /** The process that works on it, or did. */
  readonly holder: string
  readonly startedAt: number
  /** Null while it runs, and for one that was killed. */
  readonly endedAt: number | null
}

/** What became of a placement: `ms` is how long it took. */
export interface PlacementEnd {
  readonly fault: { readonly code: FailureCode; readonly message: string } | null
  readonly ms: number
}

export async function beginRun(
  catalog: Catalog,
  scope: MigrationRun['scope'],
  toVersion: number,
  options: unknown,
): Promise<MigrationRun> {
  const run = { id: randomToken(), scope, holder: newHolder(), startedAt: Date.now() }
  const row = {
    id: run.id,
    scope,
    state: 'running',
    to_version: toVersion,
    options: JSON.stringify(options),
    holder: run.holder,
    started_at: run.startedAt,
    ended_at: null,
  }
  await insertRows(catalog.database, 'migration_runs', [row])
  return { ...run, state: 'running', toVersion, options, endedAt: null }
}

/** The newest run over all databases; null before the first. */
export async function lastRun(catalog: Catalog): Promise<MigrationRun | null> {
  const row = await catalog.kysely
    .selectFrom('migration_runs')
    .selectAll()
    .where('scope', '=', 'all')
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    id: row.id,
    scope: row.scope,
    state: row.state,
    toVersion: row.to_version,
    options: JSON.parse(row.options),
    holder: row.holder,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

/**
 * The newest run over all databases, if it was stopped or killed, for this process to go on with, now to that version; only under the lock, which makes sure
 * that nobody else works on it. @throws {Failure} RUN_NOT_FOUND
 */
export async function takeUpRun(catalog: Catalog, toVersion: number): Promise<MigrationRun> {
  const run = await lastRun(catalog)
  if (run === null || run.state === 'done')
    throw new Failure('RUN_NOT_FOUND', 'no migration was stopped', { hint: 'feedctl tenant migrate --all' })
  const holder = newHolder()
  await catalog.kysely
    .updateTable('migration_runs')
    .set({ state: 'running', to_version: toVersion, holder, ended_at: null })
    .where('id', '=', run.id)
    .where('state', '<>', 'done')
    .execute()
  return { ...run, state: 'running', toVersion, holder, endedAt: null }
}

/** Notes of killed runs over all databases that they were stopped; only under the lock. */
export async function stopKilledRuns(catalog: Catalog): Promise<void> {
  await catalog.kysely
    .updateTable('migration_runs')
    .set({ state: 'stopped', ended_at: Date.now() })
    .where('scope', '=', 'all')
    .where('state', '=', 'running')
    .execute()
}

export async function endRun(catalog: Catalog, id: string, state: 'done' | 'stopped'): Promise<void> {
  await catalog.kysely
    .updateTable('migration_runs')
    .set({ state, ended_at: Date.now() })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute()
}

/** Notes of runs over named tenants whose processes are gone that they were stopped: nobody goes on with one. */
export async function stopKilledNamedRuns(catalog: Catalog): Promise<void> {
  const running = await catalog.kysely
    .selectFrom('migration_runs')
    .select(['id', 'holder'])
    .where('scope', '=', 'named')
    .where('state', '=', 'running')
    .execute()
  for (const { id } of running.filter(({ holder }) => holderIsGone(holder))) await endRun(catalog, id, 'stopped')
}

/**
 * Forgets runs that ended before, with what became of their databases, and those over named tenants that began before and never ended: of which machine their
 * processes were, this one cannot tell. Kept are those that are still asked for: the newest over all, and the last that reached the newest schema. How many there were.
 */
export async function forgetRuns(catalog: Catalog, before: number): Promise<number> {
  const overAll = catalog.kysely.selectFrom('migration_runs').select('id').where('scope', '=', 'all').limit(1)
  const kept = [
    await overAll.orderBy('started_at', 'desc').executeTakeFirst(),
    await overAll.where('state', '=', 'done').orderBy('to_version', 'desc').orderBy('started_at', 'desc').executeTakeFirst(),
  ].flatMap(run => (run === undefined ? [] : [run.id]))
  for (let forgotten = 0; ; ) {
    const page = await catalog.kysely
      .selectFrom('migration_runs')
      .select('id')
      .where(eb =>
        eb.or([
          eb('ended_at', '<', before),
          eb.and([eb('scope', '=', 'named'), eb('ended_at', 'is', null), eb('started_at', '<', before)]),
        ]),
      )
      .$if(kept.length > 0, query => query.where('id', 'not in', kept))
      .limit(RUNS_PER_PAGE)
      .execute()
    const ids = page.map(({ id }) => id)
    if (ids.length === 0) return forgotten
    // What is left of a run without its row would never be found again.
    await catalog.kysely.deleteFrom('migration_placements').where('run_id', 'in', ids).execute()
    await catalog.kysely.deleteFrom('migration_runs').where('id', 'in', ids).execute()
    forgotten += ids.length
  }
}

/** Whether a run over all databases has brought every one to that version, or found it there. */
export async function wasReached(catalog: Catalog, version: number): Promise<boolean> {
  const found = await catalog.kysely
    .selectFrom('migration_runs')
    .select('id')
    .where('scope', '=', 'all')
    .where('state', '=', 'done')
    .where('to_version', '>=', version)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** Also of one that an earlier part of the run has tried. */
export async function notePlacementBegun(catalog: Catalog, runId: string, placementId: number, from: number): Promise<void> {
  const row = {
    run_id: runId,
    placement_id: placementId,
    state: 'running',
    from_version: from,
    duration_ms: null,
    failure_code: null,
    failure_message: null,
    ended_at: null,
  }
  await insertRows(catalog.database, 'migration_placements', [row], {
    key: ['run_id', 'placement_id'],
    replace: ['state', 'duration_ms', 'failure_code', 'failure_message', 'ended_at'],
  })
}

/** Null: it was neither migrated nor found wanting, and is as one that is not reached yet. */
export async function notePlacementEnded(
  catalog: Catalog,
  runId: string,
  placementId: number,
  end: PlacementEnd | null,
): Promise<void> {
  if (end === null) {
    await catalog.kysely
      .deleteFrom('migration_placements')
      .where('run_id', '=', runId)
      .where('placement_id', '=', placementId)
      .execute()
    return
  }
  await catalog.kysely
    .updateTable('migration_placements')
    .set({
      state: end.fault === null ? 'ok' : 'failed',
      duration_ms: end.ms,
      failure_code: end.fault?.code ?? null,
      failure_message: end.fault?.message.slice(0, 2_000) ?? null,
      ended_at: Date.now(),
    })
    .where('run_id', '=', runId)
    .where('placement_id', '=', placementId)
    .execute()
}

/** Placements that the run tried, by how that ended. */
export async function triedBy(catalog: Catalog, runId: string): Promise<{ readonly ok: number; readonly failed: number[] }> {
  const { ok } = await catalog.kysely
    .selectFrom('migration_placements')
    .select(eb => eb.fn.countAll<number>().as('ok'))
    .where('run_id', '=', runId)
    .where('state', '=', 'ok')
    .executeTakeFirstOrThrow()
  const failed = await catalog.kysely
    .selectFrom('migration_placements')
    .select('placement_id')
    .where('run_id', '=', runId)
    .where('state', '=', 'failed')
    .execute()
  return { ok: Number(ok), failed: failed.map(row => row.placement_id) }
}
