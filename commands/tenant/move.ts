import { type Command, Option } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, isFailure } from '../../src/kernel/errors.js'
import type { TenantSlug } from '../../src/tenants/ids.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { type Ended, listWords, reportWords, viewOf } from './move-words.js'
import { parseSpan } from './span.js'

interface MoveFlags {
  to?: string
  back?: true
  undo?: true
  finish?: true
  list?: true
  allOn?: string
  from?: string
  dryRun?: true
  keep: string
  concurrency: number
  limit: number
  after: number
}

export function registerMove(tenant: Command, io: Io): void {
  const command = tenant
    .command('move')
    .description('move tenants to another placement or host while they are served')
    .argument('[slugs...]', 'tenants')
    .option('--to <placement>', 'dedicated, shared, HOST, HOST/dedicated or HOST/shared')
    .option('--back', 'to where they were before, with all that was written since')
    .option('--undo', 'take back what was begun and has not switched')
    .option('--finish', 'remove the old copies now, at the earliest 10 s after the switch')
    .option('--list', 'show moves under way and old copies that are kept')
    .option('--all-on <host>', 'every tenant on this host')
    .option('--from <host>', 'with --finish: old copies that are on this host, of all tenants')
    .option('--dry-run', 'say what would move, and change nothing')
    .option('--keep <time>', 'how long the old copy is kept: 30m, 12h, 7d', '7d')
    .option('--concurrency <n>', 'tenants at once', wholeNumber(1, 64), 4)
    .addOption(new Option('--limit <n>', 'most moves that --list shows').argParser(wholeNumber(1, 10_000)).default(100))
    .addOption(new Option('--after <id>', 'where --list goes on').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)).default(0))
    .action(async (slugs, flags) => {
      const ways = [flags.to, flags.back, flags.undo, flags.finish, flags.list].filter(way => way !== undefined)
      if (ways.length !== 1) throw usage('pass one of --to, --back, --undo, --finish and --list')
      if (flags.list) return list(io, slugs, flags)
      if (flags.from !== undefined && !flags.finish) throw usage('--from goes with --finish')
      const whose = [slugs[0], flags.allOn, flags.from].filter(some => some !== undefined)
      if (whose.length !== 1) throw usage('name tenants, or pass --all-on, or --finish --from')
      if (flags.dryRun && flags.to === undefined) throw usage('--dry-run goes with --to')
      await move(io, slugs, flags)
    })
  examples(command, [
    'feedctl tenant move acme --to dedicated',
    'feedctl tenant move acme globex --to db2/shared --dry-run',
    'feedctl tenant move --all-on db1 --to db2 --concurrency 8',
    'feedctl tenant move acme --back',
    'feedctl tenant move acme --finish --yes',
    'feedctl tenant move --finish --from db1 --yes',
  ])
}

function usage(message: string): Failure {
  return new Failure('USAGE', message, { hint: 'feedctl tenant move --help' })
}

async function move(io: Io, slugs: readonly string[], flags: MoveFlags): Promise<void> {
  const begun = performance.now()
  const keepMs = parseSpan('--keep', flags.keep)
  if (flags.finish) await io.confirm(`remove the old copies ${whoseCopies(slugs, flags)} for good`)
  await using app = await opening(io)
  const [{ forTenants }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/moving/move-many.js'),
    import('../../src/tenants/ids.js'),
  ])
  const parsed = [...new Set(slugs.map(parseSlug))]
  const deed = await deedOf(app, io, flags, keepMs)
  const progress = io.progress('tenants')
  const { total, all } = await chosen(app, parsed, flags)
  if (total > 1) progress.start(total)
  const report = await forTenants(
    all,
    {
      concurrency: flags.concurrency,
      signal: io.signal,
      onEnd: (ended, failed) => progress.update(ended, failed > 0 ? { failed } : {}),
    },
    parsed.length === 1 ? deed : slug => deed(slug).catch(error => hasNone(slug, error)),
  )
  progress.stop()
  const [first] = report.failures
  if (parsed.length === 1 && first !== undefined) throw first.failure
  io.print(viewOf(report, Math.round(performance.now() - begun)), reportWords)
  io.signal.throwIfAborted()
  if (report.tenants.failed > 0)
    throw new Failure('PARTIAL', `${report.tenants.failed} of ${counted(report.tenants.total, 'tenant')} failed`, {
      hint: 'the same command again',
    })
}

function whoseCopies(slugs: readonly string[], { allOn, from }: MoveFlags): string {
  if (from !== undefined) return `on ${from}`
  return `of ${allOn === undefined ? counted(slugs.length, 'tenant') : `all tenants on ${allOn}`}`
}

/** The tenants that the command is for, and how many they are. */
async function chosen({ catalog }: App, slugs: readonly TenantSlug[], { allOn, from }: MoveFlags) {
  const many = await import('../../src/tenants/moving/move-many.js')
  if (from !== undefined) return { total: await many.countWithCopyOn(catalog, from), all: many.tenantsWithCopyOn(catalog, from) }
  if (allOn !== undefined) return { total: await many.countOnHost(catalog, allOn), all: many.tenantsOnHost(catalog, allOn) }
  return { total: slugs.length, all: slugs }
}

/** Of many tenants, those of which there is nothing to take back or remove are as they should be. */
function hasNone(tenant: TenantSlug, error: unknown): Ended {
  if (isFailure(error, 'MOVE_NOT_FOUND')) return { tenant, outcome: 'there', removed: [] }
  throw error
}

type Deed = (slug: TenantSlug) => Promise<Ended>

async function deedOf({ catalog, config }: App, io: Io, flags: MoveFlags, keepMs: number): Promise<Deed> {
  const { signal } = io
  if (flags.undo || flags.finish) {
    const { finishMoves, undoMove } = await import('../../src/tenants/moving/requests.js')
    return slug => (flags.undo ? undoMove(catalog, slug, signal) : finishMoves(catalog, slug, signal, flags.from ?? null))
  }
  const [{ moveBack, moveTenant }, { parseWish }] = await Promise.all([
    import('../../src/tenants/moving/move.js'),
    import('../../src/tenants/moving/targets.js'),
  ])
  if (flags.to === undefined) return slug => moveBack(catalog, slug, { keepMs, signal })
  const wish = parseWish(flags.to)
  if (!flags.dryRun) return slug => moveTenant(catalog, config.databasePrefix, slug, wish, { keepMs, signal })
  const { planMove } = await import('../../src/tenants/moving/plan.js')
  return slug => planMove(catalog, config.databasePrefix, slug, wish)
}

async function list(io: Io, slugs: readonly string[], { limit, after }: MoveFlags): Promise<void> {
  if (slugs.length > 1) throw usage('--list shows all moves, or those of one tenant')
  await using app = await opening(io)
  const [{ listMoves }, { getTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/moving/listing.js'),
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  const tenant = slugs[0] === undefined ? null : await getTenant(app.catalog, parseSlug(slugs[0]))
  const page = await listMoves(app.catalog, { tenantId: tenant?.id ?? null, after, limit })
  io.print(page, listWords)
}
