import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { unlessLocked } from '../tenants/locks.js'
import type { Disks } from './disks/driver.js'
import { MIGRATION_LOCK } from './migration-lock.js'
import { pruneMedia } from './prune.js'

/** Prunes the media of all tenants, unless media are moved right now; calm where no bucket is set. @throws {Failure} as `overTenants` stops */
export async function pruneMediaJob(
  parts: { readonly catalog: Catalog; readonly disks: () => Promise<Disks>; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { catalog, log } = parts
  const { local, wasabi: bucket } = await parts.disks()
  if (bucket === null) return
  await unlessLocked(catalog, MIGRATION_LOCK, log, async lost => {
    const options = { tenants: 'all', dryRun: false, signal: AbortSignal.any([signal, lost]) } as const
    const { report, stopped } = await pruneMedia({ catalog, local, bucket, log }, options)
    const { files, bytes, tenants, failures } = report
    if (files.removed > 0) log.info('local media removed', { files: files.removed, bytes })
    if (failures.length > 0)
      log.warn('local media kept', { files: files.failed, tenants: tenants.failed, first: failures[0]?.message ?? '' })
    if (stopped !== null) throw stopped
  })
}
