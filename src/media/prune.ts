import type { Clock } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Bucket, LocalDisk } from './disks/driver.js'
import type { FileFailure } from './migration/report.js'
import { countRows } from './migration/rows.js'
import { tenantPrefix } from './names.js'
import { overTenants, type TenantEnds } from './over-tenants.js'
import { pruneOrphans } from './prune-orphans.js'
import { TenantPrune } from './prune-tenant.js'

const FAILURES_KEPT = 1_000
/** Uploads that were begun so long ago, and never ended, are of no use any more. */
const STALE_UPLOAD_MS = 7 * 86_400_000

export interface PruneOptions {
  readonly tenants: readonly Tenant[] | 'all'
  /** Only counts what would go, without a look at the bucket. */
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly progress?: (removed: number) => void
  readonly now?: Clock
}

export interface PruneReport {
  readonly dryRun: boolean
  readonly tenants: TenantEnds['tenants']
  /** `changed`: the local file is not the one that was migrated, and begins anew. */
  readonly files: { removed: number; changed: number; failed: number }
  readonly bytes: number
  /** Unfinished uploads that were given up. */
  readonly uploadsAborted: number
  /** Objects that sync put into the bucket and that no row tells of. */
  readonly orphansRemoved: number
  readonly failures: readonly FileFailure[]
  readonly durationMs: number
}

interface Sums {
  readonly files: { removed: number; changed: number; failed: number }
  readonly failures: FileFailure[]
  bytes: number
  uploadsAborted: number
  orphansRemoved: number
}

/** Where there is no bucket. */
export function nothingPruned(dryRun: boolean): PruneReport {
  return { dryRun, tenants: { total: 0, ok: 0, failed: 0, skipped: 0 }, ...emptySums(), durationMs: 0 }
}

function emptySums(): Sums {
  return { files: { removed: 0, changed: 0, failed: 0 }, failures: [], bytes: 0, uploadsAborted: 0, orphansRemoved: 0 }
}

interface BothDisks {
  readonly catalog: Catalog
  readonly local: LocalDisk
  readonly bucket: Bucket
  readonly log: Log
}

/**
 * Removes the local copies whose grace is over. Each after a look at the bucket: one that is not there with the etag and size that were uploaded is a failure
 * of that file, its local copy stays, and the next migration uploads it again. Killed at any point, a second run does the rest. Whoever calls it holds the
 * lock of the migration, unless on a dry run: uploads that go on, and a rollback that counts on local copies, are not disturbed. `stopped`: as `overTenants`.
 */
export async function pruneMedia(
  disks: BothDisks,
  options: PruneOptions,
): Promise<{ report: PruneReport; stopped: TenantEnds['stopped'] }> {
  const begun = performance.now()
  const sums = emptySums()
  const { catalog } = disks
  const failed = (tenant: Tenant, failure: Failure) => keep(sums, tenant, null, failure)
  const ends = await overTenants({ ...options, catalog, atOnce: 1, failed }, tenant => pruneTenant(disks, tenant, options, sums))
  const durationMs = Math.round(performance.now() - begun)
  return { report: { dryRun: options.dryRun, tenants: ends.tenants, ...sums, durationMs }, stopped: ends.stopped }
}

async function pruneTenant(disks: BothDisks, tenant: Tenant, options: PruneOptions, sums: Sums): Promise<void> {
  const { dryRun, signal, progress, now = Date.now } = options
  const events = {
    dryRun,
    signal,
    now: now(),
    removed: (bytes: number) => {
      sums.files.removed++
      sums.bytes += bytes
      progress?.(sums.files.removed)
    },
    changed: () => void sums.files.changed++,
    failed: (name: string, failure: Failure) => {
      sums.files.failed++
      keep(sums, tenant, name, failure)
    },
  }
  const hasMedia = await withTenant(disks.catalog, tenant, async tables => {
    await new TenantPrune(disks, tenant, tables, events).run()
    return (await countRows(tables)) > 0
  })
  if (dryRun || !hasMedia) return
  sums.orphansRemoved += await pruneOrphans(disks, tenant, { now: now(), signal })
  sums.uploadsAborted += await abortStale(disks.bucket, tenant, signal)
}

/** Keys that may not do this can do the rest: it is no failure of the other tenants. */
async function abortStale(bucket: Bucket, tenant: Tenant, signal: AbortSignal): Promise<number> {
  try {
    return await bucket.abortUploads(tenantPrefix(tenant.id), STALE_UPLOAD_MS, signal)
  } catch (error) {
    if (!isFailure(error, 'BUCKET_REFUSED')) throw error
    throw new Failure('PARTIAL', `unfinished uploads cannot be given up: ${error.message}`, { cause: error })
  }
}

function keep(sums: Sums, tenant: Tenant, name: string | null, { code, message }: Failure): void {
  if (sums.failures.length < FAILURES_KEPT) sums.failures.push({ tenant: tenant.slug, name, code, message })
}
