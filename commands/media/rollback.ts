import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { RollbackReport } from '../../src/media/rollback/rollback.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { failureLines } from './failure-lines.js'
import { checkTenants, disksWithBucket, tenantsMeant } from './naming.js'

interface RollbackFlags {
  readonly all?: true
  readonly dryRun?: true
}

export function registerRollback(media: Command, io: Io): void {
  const command = media
    .command('rollback')
    .description('restore files from the bucket to the local disk, when every object is the one that was uploaded')
    .argument('[tenants...]', 'tenant slugs')
    .option('--all', 'every tenant')
    .option('--dry-run', 'say what would be restored, and restore nothing')
    .action(async (slugs, flags) => {
      checkTenants('rollback', slugs, flags)
      if (!flags.dryRun)
        await io.confirm(`restore the media of ${flags.all ? 'all tenants' : slugs.join(', ')} to the local disk`)
      await using app = await opening(io)
      const tenants = await tenantsMeant(app, slugs, flags)
      if (flags.dryRun) return await rollback(app, io, tenants, flags, io.signal)
      const [{ withLock }, { MIGRATION_LOCK }] = await Promise.all([
        import('../../src/tenants/locks.js'),
        import('../../src/media/migration-lock.js'),
      ])
      await withLock(app.catalog, MIGRATION_LOCK, lost => rollback(app, io, tenants, flags, AbortSignal.any([io.signal, lost])))
    })
  examples(command, [
    'feedctl media rollback acme --dry-run',
    'feedctl media rollback acme --yes',
    'feedctl media rollback --all --yes --json',
  ])
}

async function rollback(
  app: App,
  io: Io,
  tenants: readonly Tenant[] | 'all',
  flags: RollbackFlags,
  signal: AbortSignal,
): Promise<void> {
  const { rollbackMedia } = await import('../../src/media/rollback/rollback.js')
  const { local, wasabi, target } = await disksWithBucket(app)
  const progress = io.progress('rollback', 'files')
  const { report, stopped } = await rollbackMedia({
    catalog: app.catalog,
    local,
    bucket: wasabi,
    tenants,
    dryRun: flags.dryRun === true,
    signal,
    started: files => progress.start(files),
    progress: (files, failed) => progress.update(files, failed > 0 ? { failed } : {}),
  })
  progress.stop()
  io.print(report, asText)
  if (target.name === 'wasabi') {
    io.note('note: new media still goes to the bucket; FILESYSTEM_DISK=local keeps it on the local disk')
  }
  signal.throwIfAborted()
  endOf(report, stopped)
}

/** @throws {Failure} CHECK_FAILED when a tenant was refused; what stopped it; PARTIAL */
function endOf({ tenants, files, dryRun }: RollbackReport, stopped: Failure | null): void {
  if (tenants.refused > 0) {
    const message = `${counted(tenants.refused, 'tenant')} ${dryRun ? 'would not be' : 'not'} rolled back: ${counted(files.failed, 'file')} cannot be restored as the journal has them`
    throw new Failure('CHECK_FAILED', message, { hint: 'feedctl media verify --full' })
  }
  if (stopped !== null) throw stopped
  if (tenants.failed > 0) {
    throw new Failure('PARTIAL', `${tenants.failed} of ${counted(tenants.total, 'tenant')} failed`, {
      hint: 'feedctl media rollback again: what is restored stays',
    })
  }
}

function asText(report: RollbackReport, style: Style): string {
  const { tenants, files, dryRun } = report
  const bad = (value: number, words: string) => (value > 0 ? style.red(`${count(value)} ${words}`) : `0 ${words}`)
  const restored = files.restored + files.replaced
  const head = `${style.bold(dryRun ? 'would restore' : 'restored')} ${counted(restored, 'file')} (${bytes(report.bytes)})`
  const replaced = files.replaced > 0 ? `, ${count(files.replaced)} of the restored replaced a local copy that was not right` : ''
  const earlier = files.earlier > 0 ? `, ${count(files.earlier)} restored before` : ''
  return [
    `${head} of ${counted(tenants.total, 'tenant')} in ${duration(report.durationMs)}`,
    `  files    ${count(files.total)} in the bucket: ${count(files.kept)} are here already${earlier}, ${bad(files.failed, 'failed')}${replaced}`,
    `  tenants  ${count(tenants.ok)} ok, ${bad(tenants.refused, 'refused')}, ${bad(tenants.failed, 'failed')}, ${count(tenants.skipped)} skipped`,
    ...(dryRun ? [`  disk     ${bytes(report.freeBytes)} free`] : []),
    ...failureLines(report.failures, files.failed + tenants.failed, style),
  ].join('\n')
}
