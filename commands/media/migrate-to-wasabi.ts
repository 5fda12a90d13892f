import { type Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Timetable } from '../../src/media/bandwidth.js'
import type { Stored } from '../../src/media/cost.js'
import { opening } from '../opening.js'
import { pinging } from '../ping.js'
import { examples, wholeNumber } from '../program.js'
import { faultOf, previewFaultOf } from './migration-fault.js'
import { dryRunWords, reportWords, usd } from './migration-words.js'
import { checkTenants, disksWithBucket, tenantsOf } from './naming.js'

const DAY_MS = 86_400_000
const UNITS = { m: 60_000, h: 3_600_000, d: DAY_MS } as const
const MOST_FILES = 512

interface Flags {
  readonly dryRun?: true
  readonly concurrency: number | 'auto'
  readonly bwlimit?: string
  readonly deleteLocal?: true
  readonly grace?: number
  readonly budget?: number
}

export function registerMigrate(media: Command, io: Io): void {
  const command = media
    .command('migrate-to-wasabi')
    .description('copy local media to the bucket, verify it, and make the bucket its place')
    .argument('[tenants...]', 'tenant slugs')
    .option('--all', 'every tenant')
    .option('--dry-run', 'count, price and measure; change nothing')
    .option('--concurrency <n>', 'files in flight, or auto', concurrency, 'auto')
    .option('--bwlimit <rate>', 'as 10M (bytes per second), or a timetable: "08:00,512k 19:00,off"')
    .option('--delete-local', 'let local copies go after the grace: `media prune` removes them')
    .option('--grace <time>', 'how long local copies stay with --delete-local: 7d, 12h (default: 7d)', span)
    .option('--budget <usd>', 'refuse when the bucket would cost more per month', amount)
    .option('--resume', 'go on where an earlier run ended; the same as running it again')
    .option('--ping-url <url>', 'call <url>/start, then <url> or <url>/fail')
    .action(async (slugs, { pingUrl, all, resume: _, ...flags }) => {
      checkTenants('migrate-to-wasabi', slugs, all ? { all } : {})
      if (flags.grace !== undefined && !flags.deleteLocal) {
        throw new Failure('USAGE', '--grace is for --delete-local', { hint: '--delete-local --grace 7d' })
      }
      await pinging(io, pingUrl, () => start(io, slugs, flags))
    })
  examples(command, [
    'feedctl media migrate-to-wasabi --all --dry-run',
    'feedctl media migrate-to-wasabi acme --bwlimit 10M',
    'feedctl media migrate-to-wasabi --all --delete-local --grace 7d --budget 50',
  ])
}

async function start(io: Io, slugs: readonly string[], flags: Flags): Promise<void> {
  const timetable = await timetableOf(flags.bwlimit)
  await using app = await opening(io)
  if (flags.dryRun) return await preview(app, io, slugs, flags, timetable)
  await disksWithBucket(app)
  const [{ withLock }, { MIGRATION_LOCK }] = await Promise.all([
    import('../../src/tenants/locks.js'),
    import('../../src/media/migration-lock.js'),
  ])
  // Awaited here: the app is closed when this returns.
  await withLock(app.catalog, MIGRATION_LOCK, lost =>
    follow(app, io, slugs, flags, timetable, AbortSignal.any([io.signal, lost])),
  )
}

async function follow(
  app: App,
  io: Io,
  slugs: readonly string[],
  flags: Flags,
  timetable: Timetable | null,
  signal: AbortSignal,
): Promise<void> {
  const { local, wasabi: bucket } = await disksWithBucket(app)
  const { migrate } = await import('../../src/media/migration/migrate.js')
  const { costOf } = await import('../../src/media/cost.js')
  const progress = io.progress('migrate', 'files')
  const { budget } = flags
  let started = false
  const end = await migrate(
    { catalog: app.catalog, local, bucket },
    {
      tenants: await tenantsOf(app, slugs),
      concurrency: flags.concurrency,
      timetable,
      graceMs: flags.deleteLocal ? (flags.grace ?? 7 * DAY_MS) : null,
      consent: budget === undefined ? null : stored => withinBudget(stored, costOf(stored, app.config).monthlyUsd, budget),
      signal,
      drainMs: app.config.drainMs,
      note: line => io.note(line),
      progress: (files, total, { bytes, failed, inFlight }) => {
        if (!started) progress.start(total)
        started = true
        progress.update(files, { MB: Math.round(bytes / 1e6), 'in flight': inFlight, ...(failed > 0 ? { failed } : {}) })
      },
    },
  )
  progress.stop()
  io.print(end.report, reportWords)
  if (signal.aborted) {
    io.note('stopped: the next run goes on from here')
    signal.throwIfAborted()
  }
  const fault = faultOf(end)
  if (fault !== null) throw fault
}

function withinBudget(stored: Stored, monthlyUsd: number, budget: number): void {
  if (monthlyUsd <= budget) return
  const files = counted(stored.files, 'file')
  throw new Failure('BUDGET_EXCEEDED', `${files} would cost ${usd(monthlyUsd)} a month, more than ${usd(budget)}`, {
    hint: 'feedctl media migrate-to-wasabi --all --dry-run shows why',
  })
}

async function preview(app: App, io: Io, slugs: readonly string[], flags: Flags, timetable: Timetable | null): Promise<void> {
  const { local, wasabi: bucket } = await disksWithBucket(app)
  const { dryRun } = await import('../../src/media/migration/dry-run.js')
  const { concurrency, budget } = flags
  const options = { tenants: await tenantsOf(app, slugs), prices: app.config, concurrency, timetable, signal: io.signal }
  const report = await dryRun({ catalog: app.catalog, local, bucket }, options)
  io.print(report, dryRunWords)
  const { monthlyUsd } = report.cost
  if (budget !== undefined && monthlyUsd > budget) {
    throw new Failure('BUDGET_EXCEEDED', `the bucket would cost ${usd(monthlyUsd)} a month, more than ${usd(budget)}`)
  }
  const fault = previewFaultOf(report)
  if (fault !== null) throw fault
}

async function timetableOf(text: string | undefined): Promise<Timetable | null> {
  if (text === undefined) return null
  const { parseTimetable } = await import('../../src/media/bandwidth.js')
  return parseTimetable(text)
}

function concurrency(text: string): number | 'auto' {
  return text === 'auto' ? text : wholeNumber(1, MOST_FILES)(text)
}

function span(text: string): number {
  const [, number, unit] = /^(\d{1,4})([mhd])$/.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('It is not a time as 7d, 12h or 30m.')
  return Number(number) * UNITS[unit as keyof typeof UNITS]
}

function amount(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It is not an amount in USD.')
  return Number(text)
}
