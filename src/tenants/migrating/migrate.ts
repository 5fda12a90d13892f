import pLimit from 'p-limit'
import type { Catalog } from '../catalog.js'
import { type Migration, TENANT_MIGRATIONS } from '../databases/index.js'
import type { TenantSlug } from '../ids.js'
import { type FailureBudget, isExceeded } from './failure-budget.js'
import { beginRun, endRun, type MigrationRun, stopKilledRuns, takeUpRun, triedBy, wasReached } from './ledger.js'
import { migratePlacement } from './migrate-placement.js'
import { behindAmong, canariesOf, type Migratable, placementsAt, placementsNamed } from './placements.js'
import { type MigrationReport, MigrationTally } from './report.js'
import { readStanding, type Standing } from './standing.js'

/** Every wave is ten times as large as the one before. */
const FIRST_WAVE = 10
const GROWTH = 10
const LARGEST_WAVE = 500

/** How a run goes about it; a run that was stopped keeps it. */
export interface MigrateOptions {
  /** Databases that are tried one by one before all others: when one of them fails, no other is tried. */
  readonly canary: number
  readonly failureBudget: FailureBudget
  /** Databases in flight per host. */
  readonly concurrency: number
}

export const MIGRATE_DEFAULTS: MigrateOptions = { canary: 1, failureBudget: { percent: 5 }, concurrency: 4 }

export interface MigrateWish {
  /** `rest`: what the last stopped or killed run over all has left; it goes on as that run, those that failed in it last. */
  readonly which: 'all' | 'rest' | readonly TenantSlug[]
  readonly options: Partial<MigrateOptions>
  /** When it aborts, the statements under way are ended and no others are begun. */
  readonly signal: AbortSignal
  readonly progress?: (tried: number, total: number, failed: number) => void
  readonly migrations?: readonly Migration[]
  /** As `Applying` has it. */
  readonly lockWaitS?: number
}

/**
 * Brings databases of tenants to the newest schema: the canaries, then ever larger waves, some at a time per host and all hosts at once. Each is tried once,
 * and what becomes of it is a row. `all` and `rest` are for one process at a time: the caller holds the lock. Killed at any point, the next run goes on.
 * @throws {Failure} RUN_NOT_FOUND, TENANT_NOT_FOUND, TENANT_WRONG_STATE; UNAVAILABLE where the catalog is away
 */
export async function migrateTenants(catalog: Catalog, wish: MigrateWish): Promise<MigrationReport> {
  const begun = performance.now()
  const { which, migrations = TENANT_MIGRATIONS } = wish
  const latest = migrations.at(-1)?.version ?? 0
  const ids = typeof which === 'string' ? null : await placementsNamed(catalog, which)
  const before = await readStanding(catalog, latest, ids)
  if (which === 'all') await stopKilledRuns(catalog)
  if (which !== 'rest' && before.databases.behind === 0) {
    if (which === 'all') await noteReached(catalog, latest)
    return new MigrationTally(before, { id: null, resumed: false }, begun).report()
  }
  const run = await openRun(catalog, wish, latest)
  const round = new Round(catalog, run, wish, before, migrations, begun)
  let finished = false
  try {
    await round.migrate(ids)
    finished = true
  } finally {
    const isDone = finished && round.tally.stopped === null && round.tally.failed === 0
    const ending = endRun(catalog, run.id, isDone ? 'done' : 'stopped')
    // What was thrown is the one to tell; without its end the run passes for a killed one, which is taken up all the same.
    await (finished ? ending : ending.catch(() => {}))
  }
  return round.tally.report()
}

/** Stragglers of an earlier feedctl, which come later, need not wait for a run then. */
async function noteReached(catalog: Catalog, latest: number): Promise<void> {
  if (await wasReached(catalog, latest)) return
  const run = await beginRun(catalog, 'all', latest, {})
  await endRun(catalog, run.id, 'done')
}

async function openRun(catalog: Catalog, { which, options }: MigrateWish, latest: number): Promise<MigrationRun> {
  if (which === 'rest') return takeUpRun(catalog, latest)
  return beginRun(catalog, which === 'all' ? 'all' : 'named', latest, { ...MIGRATE_DEFAULTS, ...options })
}

/** One run on its way. */
class Round {
  readonly tally: MigrationTally
  private readonly options: MigrateOptions
  /** The catalog is away, or there is a bug. */
  private broken = false

  constructor(
    private readonly catalog: Catalog,
    private readonly run: MigrationRun,
    private readonly wish: MigrateWish,
    private readonly before: Standing,
    private readonly migrations: readonly Migration[],
    begun: number,
  ) {
    this.tally = new MigrationTally(before, { id: run.id, resumed: wish.which === 'rest' }, begun)
    this.options = { ...MIGRATE_DEFAULTS, ...(run.options as Partial<MigrateOptions>), ...wish.options }
  }

  /** `ids`: these placements only. */
  async migrate(ids: readonly number[] | null): Promise<void> {
    const earlier = this.wish.which === 'rest' ? await triedBy(this.catalog, this.run.id) : { ok: 0, failed: [] }
    const canaries = await this.canaries(ids, Math.max(0, this.options.canary - earlier.ok))
    if (canaries.length > 0) this.tally.waves++
    for (const canary of canaries) {
      if (this.isStopped()) return
      await this.migrateOne(canary)
      if (this.tally.failed > 0) this.tally.stopped ??= 'canary'
    }
    const done = new Set(canaries.map(({ id }) => id))
    for await (const wave of wavesOf(this.others(ids, done, earlier.failed))) {
      if (this.isStopped()) return
      await this.migrateWave(wave)
    }
  }

  private async canaries(ids: readonly number[] | null, most: number): Promise<readonly Migratable[]> {
    if (ids === null) return canariesOf(this.catalog, this.before.latest, most)
    return (await behindAmong(this.catalog, this.before.latest, ids)).slice(0, most)
  }

  /** What is behind, but for `done`; what failed in an earlier part of the run comes last. */
  private async *others(
    ids: readonly number[] | null,
    done: ReadonlySet<number>,
    failed: readonly number[],
  ): AsyncGenerator<Migratable> {
    const { latest, versions } = this.before
    const last = failed.filter(id => !done.has(id))
    const skipped = new Set([...done, ...last])
    if (ids !== null) {
      yield* (await behindAmong(this.catalog, latest, ids)).filter(({ id }) => !skipped.has(id))
      return
    }
    for (const { version } of versions) {
      if (version >= latest) break
      for await (const placement of placementsAt(this.catalog, version)) if (!skipped.has(placement.id)) yield placement
    }
    yield* await behindAmong(this.catalog, latest, last)
  }

  private async migrateWave(wave: readonly Migratable[]): Promise<void> {
    this.tally.waves++
    const limits = new Map(wave.map(({ host }) => [host, pLimit(this.options.concurrency)]))
    const ends = await Promise.allSettled(
      wave.map(placement => limits.get(placement.host)?.(() => (this.isStopped() ? undefined : this.migrateOne(placement)))),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  private isStopped(): boolean {
    if (this.wish.signal.aborted) this.tally.stopped ??= 'signal'
    if (isExceeded(this.options.failureBudget, this.tally.failed, this.tally.tried)) this.tally.stopped ??= 'failures'
    return this.broken || this.tally.stopped !== null
  }

  private async migrateOne(placement: Migratable): Promise<void> {
    const { signal, lockWaitS, progress } = this.wish
    const applying = { migrations: this.migrations, signal, ...(lockWaitS === undefined ? {} : { lockWaitS }) }
    const outcome = await migratePlacement(this.catalog, this.run.id, placement, applying).catch(error => {
      this.broken = true
      throw error
    })
    this.tally.add(placement, outcome)
    if (outcome.kind === 'interrupted') this.tally.stopped ??= 'signal'
    progress?.(this.tally.tried, this.before.databases.behind, this.tally.failed)
  }
}

async function* wavesOf(placements: AsyncIterable<Migratable>): AsyncGenerator<Migratable[]> {
  let wave: Migratable[] = []
  let size = FIRST_WAVE
  for await (const placement of placements) {
    wave.push(placement)
    if (wave.length < size) continue
    yield wave
    wave = []
    size = Math.min(LARGEST_WAVE, size * GROWTH)
  }
  if (wave.length > 0) yield wave
}
