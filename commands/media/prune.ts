import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { PruneReport } from '../../src/media/prune.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { pinging } from '../ping.js'
import { examples } from '../program.js'
import { failureLines } from './failure-lines.js'
import { disksWithBucket, tenantsMeant } from './naming.js'

export function registerPrune(media: Command, io: Io): void {
  const command = media
    .command('prune')
    .description('remove the local copies whose grace is over, each after a look at the bucket')
    .argument('[tenants...]', 'tenant slugs; every tenant when none is named')
    .option('--dry-run', 'count what would go, and remove nothing')
    .option('--ping-url <url>', 'call <url>/start, then <url> or <url>/fail')
    .action((slugs, { pingUrl, dryRun }) => pinging(io, pingUrl, () => prune(io, slugs, dryRun === true)))
  examples(command, ['feedctl media prune --dry-run', 'feedctl media prune acme', 'feedctl media prune --quiet'])
}

async function prune(io: Io, slugs: readonly string[], dryRun: boolean): Promise<void> {
  await using app = await opening(io)
  const tenants = await tenantsMeant(app, slugs, slugs.length === 0 ? { all: true } : {})
  // A schedule runs it wherever feedctl is.
  if (tenants === 'all' && (await app.disks()).wasabi === null) {
    const { nothingPruned } = await import('../../src/media/prune.js')
    return io.print(nothingPruned(dryRun), () => 'no bucket is set: every local copy is the only one')
  }
  const [{ withLock }, { MIGRATION_LOCK }] = await Promise.all([
    import('../../src/tenants/locks.js'),
    import('../../src/media/migration-lock.js'),
  ])
  // Awaited here: the app is closed when this returns.
  if (dryRun) await removeDue(app, io, tenants, dryRun, io.signal)
  else {
    const deed = (lost: AbortSignal) => removeDue(app, io, tenants, dryRun, AbortSignal.any([io.signal, lost]))
    await withLock(app.catalog, MIGRATION_LOCK, deed)
  }
}

async function removeDue(
  app: App,
  io: Io,
  tenants: readonly Tenant[] | 'all',
  dryRun: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { pruneMedia } = await import('../../src/media/prune.js')
  const { local, wasabi: bucket } = await disksWithBucket(app)
  const progress = io.progress('prune', 'files')
  progress.start(0)
  const options = { tenants, dryRun, signal, progress: (removed: number) => progress.update(removed) }
  const { report, stopped } = await pruneMedia({ catalog: app.catalog, local, bucket, log: app.log }, options)
  progress.stop()
  io.print(report, words)
  signal.throwIfAborted()
  endOf(report, stopped)
}

/** @throws {Failure} PARTIAL; what stopped it */
function endOf({ files, tenants }: PruneReport, stopped: Failure | null): void {
  if (stopped !== null) throw stopped
  if (files.failed > 0) {
    const hint = 'feedctl media migrate-to-wasabi uploads again what the bucket has lost'
    throw new Failure('PARTIAL', `${counted(files.failed, 'file')} failed`, { hint })
  }
  if (tenants.failed > 0) throw new Failure('PARTIAL', `${tenants.failed} of ${counted(tenants.total, 'tenant')} failed`)
}

function words({ files, dryRun, failures, uploadsAborted, orphansRemoved, ...report }: PruneReport, style: Style): string {
  return [
    `${dryRun ? 'would remove' : 'removed'} ${style.bold(counted(files.removed, 'local file'))}, ${bytes(report.bytes)}, in ${duration(report.durationMs)}`,
    ...(files.changed > 0 ? [`  ${count(files.changed)} changed since: they are migrated anew`] : []),
    ...(uploadsAborted > 0 ? [`  ${counted(uploadsAborted, 'unfinished upload')} given up`] : []),
    ...(orphansRemoved > 0 ? [`  ${counted(orphansRemoved, 'object')} that nothing named removed`] : []),
    ...failureLines(failures, failures.length, style),
  ].join('\n')
}
