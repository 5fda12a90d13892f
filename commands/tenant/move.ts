import { type Command, Option } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
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
    .option('--finish', 'remove the old copies now')
    .option('--list', 'show moves under way and old copies that are kept')
    .option('--all-on <host>', 'every tenant on this host')
    .option('--dry-run', 'say what would move, and change nothing')
    .option('--keep <time>', 'how long the old copy is kept: 30m, 12h, 7d', '7d')
    .option('--concurrency <n>', 'tenants at once', wholeNumber(1, 64), 4)
    .addOption(new Option('--limit <n>', 'most moves that --list shows').argParser(wholeNumber(1, 10_000)).default(100))
    .addOption(new Option('--after <id>', 'where --list goes on').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)).default(0))
    .action(async (slugs, flags) => {
      const ways = [flags.to, flags.back, flags.undo, flags.finish, flags.list].filter(way => way !== undefined)
      if (ways.length !== 1) throw usage('pass one of --to, --back, --undo, --finish and --list')
      if (flags.list) return list(io, slugs, flags)
      if (slugs.length > 0 === (flags.allOn !== undefined)) throw usage('name tenants, or pass --all-on')
      if (flags.dryRun && flags.to === undefined) throw usage('--dry-run goes with --to')
      await move(io, slugs, flags)
    })
  examples(command, [
    'feedctl tenant move acme --to dedicated',
    'feedctl tenant move acme globex --to db2/shared --dry-run',
    'feedctl tenant move --all-on db1 --to db2 --concurrency 8',
    'feedctl tenant move acme --back',
    'feedctl tenant move acme --finish --yes',
  ])
}

function usage(message: string): Failure {
  return new Failure('USAGE', message, { hint: 'feedctl tenant move --help' })
}

async function move(io: Io, slugs: readonly string[], flags: MoveFlags): Promise<void> {
  const begun = performance.now()
  const keepMs = parseSpan('--keep', flags.keep)
  const whose = flags.allOn === undefined ? counted(slugs.length, 'tenant') : `all tenants on ${flags.allOn}`
  if (flags.finish) await io.confirm(`remove the old copies of ${whose}: there is no way back to them then`)
  await using app = await opening(io)
  const [{ countOnHost, forTenants, tenantsOnHost }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/moving/move-many.js'),
    import('../../src/tenants/ids.js'),
  ])
  const parsed = [...new Set(slugs.map(parseSlug))]
  const deed = await deedOf(app, io, flags, keepMs)
  const progress = io.progress('tenants')
  const total = flags.allOn === undefined ? parsed.length : await countOnHost(app.catalog, flags.allOn)
  if (total > 1) progress.start(total)
  const all = flags.allOn === undefined ? parsed : tenantsOnHost(app.catalog, flags.allOn)
  const report = await forTenants(
    all,
    {
      concurrency: flags.concurrency,
      signal: io.signal,
      onEnd: (ended, failed) => progress.update(ended, failed > 0 ? { failed } : {}),
    },
    deed,
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

type Deed = (slug: TenantSlug) => Promise<Ended>

async function deedOf({ catalog, config }: App, io: Io, flags: MoveFlags, keepMs: number): Promise<Deed> {
  const { signal } = io
  if (flags.undo || flags.finish) {
    const { finishMoves, undoMove } = await import('../../src/tenants/moving/requests.js')
    return slug => (flags.undo ? undoMove : finishMoves)(catalog, slug, signal)
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
