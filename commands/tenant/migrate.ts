import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { TenantSlug } from '../../src/tenants/ids.js'
import type { MigrateOptions } from '../../src/tenants/migrating/migrate.js'
import type { MigrationReport } from '../../src/tenants/migrating/report.js'
import { opening } from '../opening.js'
import { pinging } from '../ping.js'
import { examples, wholeNumber } from '../program.js'
import { checkWords, planWords, reportWords } from './migrate-words.js'

/** Of the runs over all databases, and of those that make the one that others are compared with. */
const LOCK = 'tenant migrate'

interface Flags {
  readonly all?: true
  readonly canary?: number
  readonly maxFailures?: string
  readonly concurrency?: number
  readonly resume?: true
  readonly check?: true
  readonly drift?: true
  readonly sample?: number
  readonly dryRun?: true
}

export function registerMigrate(tenant: Command, io: Io): void {
  const command = tenant
    .command('migrate')
    .description('bring the databases of tenants to the schema of this feedctl')
    .argument('[tenants...]', 'tenant slugs; of one in a shared database all in it gain')
    .option('--all', 'every database')
    .option('--canary <n>', 'databases tried one by one before all others (default: 1)', wholeNumber(0, 10_000))
    .option('--max-failures <n|p%>', 'stop when more than so many failed (default: 5% of those tried)')
    .option('--concurrency <n>', 'databases in flight per host (default: 4)', wholeNumber(1, 100))
    .option('--resume', 'go on with the last run over all that was stopped or killed')
    .option('--check', 'change nothing: exit 8 when a database is behind, or ahead')
    .option('--drift', 'with --check: compare the real schemas with the expected one')
    .option('--sample <n>', 'with --drift: compare so many, by chance', wholeNumber(1, 1_000_000))
    .option('--dry-run', 'change nothing: say what would be done')
    .option('--ping-url <url>', 'call <url>/start, then <url> or <url>/fail')
    .action(async (names, { pingUrl, ...flags }) => {
      refuseMixtures(names, flags)
      await pinging(io, pingUrl, () => start(io, names, flags))
    })
  examples(command, [
    'feedctl tenant migrate --all --dry-run',
    'feedctl tenant migrate acme',
    'feedctl tenant migrate --all --canary 3 --max-failures 1%',
    'feedctl tenant migrate --resume',
    'feedctl tenant migrate --check --drift --sample 100',
  ])
}

function refuseMixtures(names: readonly string[], flags: Flags): void {
  const { all, resume, check, drift, sample, dryRun } = flags
  const refuse = (message: string, hint: string): never => {
    throw new Failure('USAGE', message, { hint })
  }
  const ways = [names.length > 0, all, resume].filter(Boolean).length
  if (ways > 1) refuse('name tenants, or pass --all, or --resume', 'feedctl tenant migrate --all')
  if (ways === 0 && !check && !dryRun) refuse('name tenants, or pass --all', 'feedctl tenant migrate --all')
  if ((check && (resume || dryRun)) || (dryRun && resume))
    refuse('--check, --dry-run and --resume exclude each other', 'feedctl tenant migrate --help')
  if (drift && !check) refuse('--drift is for --check', 'feedctl tenant migrate --check --drift')
  if (sample !== undefined && !drift) refuse('--sample is for --drift', 'feedctl tenant migrate --check --drift --sample 100')
}

async function start(io: Io, names: readonly string[], flags: Flags): Promise<void> {
  const [{ parseSlug }, { parseFailureBudget }] = await Promise.all([
    import('../../src/tenants/ids.js'),
    import('../../src/tenants/migrating/failure-budget.js'),
  ])
  const slugs = names.length === 0 ? null : [...new Set(names.map(parseSlug))]
  const options = {
    ...(flags.canary === undefined ? {} : { canary: flags.canary }),
    ...(flags.maxFailures === undefined ? {} : { failureBudget: parseFailureBudget(flags.maxFailures) }),
    ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
  }
  await using app = await opening(io)
  if (flags.check) return await check(app, io, slugs, flags)
  if (flags.dryRun) return await plan(app, io, slugs, flags.canary)
  if (slugs !== null) return await migrate(app, io, slugs, options, io.signal)
  const { withLock } = await import('../../src/tenants/locks.js')
  // Awaited here: the app is closed when this returns.
  await withLock(app.catalog, LOCK, lost =>
    migrate(app, io, flags.resume ? 'rest' : 'all', options, AbortSignal.any([io.signal, lost])),
  )
}

async function migrate(
  app: App,
  io: Io,
  which: 'all' | 'rest' | readonly TenantSlug[],
  options: Partial<MigrateOptions>,
  signal: AbortSignal,
): Promise<void> {
  const { migrateTenants } = await import('../../src/tenants/migrating/migrate.js')
  const progress = io.progress('migrate', 'databases')
  let started = false
  const report = await migrateTenants(app.catalog, {
    which,
    options,
    signal,
    progress: (tried, total, failed) => {
      if (!started) progress.start(total)
      started = true
      progress.update(tried, failed > 0 ? { failed } : {})
    },
  })
  progress.stop()
  io.print(report, reportWords)
  if (report.stopped === 'signal') {
    io.note('stopped: feedctl tenant migrate --resume goes on from here')
    signal.throwIfAborted()
  }
  refuseFailures(report, typeof which === 'string')
}

/** @throws {Failure} PARTIAL */
function refuseFailures({ databases, stopped }: MigrationReport, resumable: boolean): void {
  if (databases.failed === 0) return
  const rest = stopped === null ? '' : `, ${counted(databases.notTried, 'database')} not tried`
  const what = stopped === 'canary' ? 'a canary failed' : `${counted(databases.failed, 'database')} of ${databases.total} failed`
  throw new Failure('PARTIAL', `${what}${rest}`, {
    hint: resumable ? 'mend what the report says, then feedctl tenant migrate --resume' : 'the same command again',
  })
}

async function plan(app: App, io: Io, slugs: readonly TenantSlug[] | null, canary: number | undefined): Promise<void> {
  const [{ planMigration }, { MIGRATE_DEFAULTS }] = await Promise.all([
    import('../../src/tenants/migrating/plan.js'),
    import('../../src/tenants/migrating/migrate.js'),
  ])
  io.print(await planMigration(app.catalog, slugs, canary ?? MIGRATE_DEFAULTS.canary), planWords)
}

async function check(app: App, io: Io, slugs: readonly TenantSlug[] | null, { drift, sample }: Flags): Promise<void> {
  const [{ checkTenants }, { withLock }] = await Promise.all([
    import('../../src/tenants/migrating/check.js'),
    import('../../src/tenants/locks.js'),
  ])
  const progress = io.progress('check', 'databases')
  let started = false
  const look = (signal: AbortSignal) =>
    checkTenants(app.catalog, {
      slugs,
      drift: drift ? { sample: sample ?? null, prefix: app.config.databasePrefix } : null,
      signal,
      progress: (checked, total, drifted) => {
        if (!started) progress.start(total)
        started = true
        progress.update(checked, drifted > 0 ? { drifted } : {})
      },
    })
  const report = await (drift ? withLock(app.catalog, LOCK, lost => look(AbortSignal.any([io.signal, lost]))) : look(io.signal))
  progress.stop()
  io.print(report, checkWords)
  const { behind, ahead } = report.databases
  const drifted = report.drift?.drifted ?? 0
  const notCompared = (report.drift?.notCompared ?? []).reduce((sum, { databases }) => sum + databases, 0)
  const unread = `${counted(notCompared, 'database')} could not be compared`
  if (behind + ahead + drifted === 0) {
    if (notCompared > 0) throw new Failure('PARTIAL', unread, { hint: 'feedctl host list' })
    return
  }
  const words = [
    behind > 0 ? `${counted(behind, 'database')} behind` : null,
    ahead > 0 ? `${counted(ahead, 'database')} ahead` : null,
    drifted > 0 ? `${counted(drifted, 'database')} with another schema than expected` : null,
    notCompared > 0 ? unread : null,
  ].filter(word => word !== null)
  throw new Failure('CHECK_FAILED', words.join(', '), { hint: mendOf({ behind, ahead }) })
}

/** Of a schema that is only another than it should be, feedctl says where it differs, and leaves the mending to whoever changed it. */
function mendOf({ behind, ahead }: { readonly behind: number; readonly ahead: number }): string {
  if (behind > 0) return 'feedctl tenant migrate --all'
  if (ahead > 0) return 'upgrade feedctl'
  return 'feedctl tenant migrate --check --drift --json names what differs: mend it by hand, or bring back a backup'
}
