import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { PruneReport } from '../../src/feeds/prune-tenants.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { pinging } from '../ping.js'
import { examples } from '../program.js'

const TENANTS_SHOWN = 20

export function registerPrune(feed: Command, io: Io): void {
  const command = feed
    .command('prune')
    .description('delete the posts that are older or more than `feed retention` says')
    .argument('[tenants...]', 'tenant slugs')
    .option('--all', 'every active tenant')
    .option('--dry-run', 'count what would go, and delete nothing')
    .option('--ping-url <url>', 'call <url>/start, then <url> or <url>/fail')
    .action(async (slugs, { pingUrl, ...options }) => {
      if (slugs.length > 0 === (options.all === true)) {
        throw new Failure('USAGE', 'name tenants, or pass --all', { hint: 'feedctl feed prune --all' })
      }
      await pinging(io, pingUrl, () => pruneNamed(io, slugs, options))
    })
  examples(command, [
    'feedctl feed prune acme --dry-run',
    'feedctl feed prune --all --quiet --ping-url https://hc.example.com/abc',
  ])
}

async function pruneNamed(io: Io, slugs: readonly string[], options: { all?: true; dryRun?: true }): Promise<void> {
  await using app = await opening(io)
  const tenants = options.all ? 'all' : await activeTenants(app, slugs)
  const deed = (signal: AbortSignal) => prune(app, io, tenants, { dryRun: options.dryRun === true, signal })
  // Awaited here: the app is closed when this returns.
  if (tenants !== 'all' || options.dryRun) return await deed(io.signal)
  const { withLock } = await import('../../src/tenants/locks.js')
  await withLock(app.catalog, 'feed prune --all', lost => deed(AbortSignal.any([io.signal, lost])))
}

async function prune(
  app: App,
  io: Io,
  tenants: readonly Tenant[] | 'all',
  { dryRun, signal }: { dryRun: boolean; signal: AbortSignal },
): Promise<void> {
  const [{ pruneTenants }, { pruneUnlinked }] = await Promise.all([
    import('../../src/feeds/prune-tenants.js'),
    import('../../src/media/prune-unlinked.js'),
  ])
  const progress = io.progress('prune', 'tenants')
  let started = false
  const report = await pruneTenants(app, {
    tenants,
    settings: app.config,
    dryRun,
    signal,
    pruneMedia: tenant => pruneUnlinked(app, tenant, { dryRun, signal }),
    progress: (ended, total, posts) => {
      if (!started) progress.start(total)
      started = true
      progress.update(ended, posts > 0 ? { posts } : {})
    },
  })
  progress.stop()
  io.print(report, asText)
  signal.throwIfAborted()
  const { failed, total } = report.tenants
  if (failed > 0)
    throw new Failure('PARTIAL', `${failed} of ${total} tenants failed`, {
      hint: 'feedctl feed prune again; what is gone stays gone',
    })
}

async function activeTenants(app: App, slugs: readonly string[]): Promise<Tenant[]> {
  const [{ getActiveTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  const tenants: Tenant[] = []
  for (const slug of new Set(slugs)) tenants.push(await getActiveTenant(app.catalog, parseSlug(slug)))
  return tenants
}

function asText(report: PruneReport & { durationMs: number }, style: Style): string {
  const { tenants, posts, tombstones, media, dryRun } = report
  const verb = dryRun ? 'would remove' : 'removed'
  const pruned = report.pruned.toSorted((a, b) => b.posts - a.posts)
  const failures = report.failures
    .slice(0, TENANTS_SHOWN)
    .map(failure => `  ${failure.tenant}: ${failure.message} ${style.dim(`(${failure.code})`)}`)
  const rows = table(
    pruned.slice(0, TENANTS_SHOWN),
    [
      { title: 'TENANT', cell: row => row.tenant },
      { title: 'POSTS', cell: row => count(row.posts), right: true },
    ],
    style,
  )
  const more = pruned.length - TENANTS_SHOWN
  return [
    `${verb} ${style.bold(counted(posts.removed, 'post'))} of ${counted(pruned.length, 'tenant')} in ${duration(report.durationMs)}`,
    `  tenants     ${count(tenants.ok)} of ${count(tenants.total)} (${count(tenants.failed)} failed, ${count(tenants.skipped)} skipped)`,
    ...(dryRun ? [] : [`  tombstones  ${count(tombstones.dropped)} dropped`]),
    ...(media.removed === 0 ? [] : [`  media       ${counted(media.removed, 'file')} of no post (${bytes(media.bytes)})`]),
    ...(pruned.length === 0 ? [] : [rows.trimEnd()]),
    ...(more > 0 ? [`and ${counted(more, 'more tenant')}: --json lists them`] : []),
    ...(failures.length === 0 ? [] : ['failures', ...failures]),
  ].join('\n')
}
