import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Bucket } from '../disks/driver.js'
import { overTenants, type TenantEnds } from '../over-tenants.js'
import { uploadAgain } from '../upload-again.js'
import type { JournalAndBucket } from './pairs.js'
import { emptyTally, type ObjectTally, verifyTenant } from './verify-tenant.js'

const TENANTS_AT_ONCE = 4
const FAILURES_KEPT = 1_000

export interface MediaFailure {
  readonly tenant: string
  /** Of the file; null for what concerns the whole tenant. */
  readonly name: string | null
  readonly code: string
  readonly message: string
}

export interface VerifyReport {
  readonly tenants: TenantEnds['tenants']
  readonly objects: Omit<ObjectTally, 'bytes' | 'rehashedBytes'>
  /** Of the objects that should be there, and of those that were read. */
  readonly bytes: number
  readonly rehashedBytes: number
  /** Percent of the objects that were read, and what chose them. */
  readonly sample: { readonly percent: number; readonly seed: string }
  /** The first thousand. */
  readonly failures: readonly MediaFailure[]
  readonly durationMs: number
}

export interface VerifyRun {
  readonly catalog: Catalog
  readonly bucket: Bucket
  readonly tenants: readonly Tenant[] | 'all'
  /** From 0 to 1. */
  readonly share: number
  readonly seed: string
  readonly signal: AbortSignal
  /** Objects that were looked at so far. */
  readonly progress: (objects: number, faults: number) => void
}

/** Compares the bucket with the journals of these tenants. What it has lost, and the local disk has, is to be uploaded again. `stopped`: as `overTenants`. */
export async function verifyMedia(run: VerifyRun): Promise<{ report: VerifyReport; stopped: TenantEnds['stopped'] }> {
  const begun = performance.now()
  const tally = emptyTally()
  let faults = 0
  const failures: MediaFailure[] = []
  const fail = (failure: MediaFailure) => {
    faults++
    if (failures.length < FAILURES_KEPT) failures.push(failure)
  }
  const failed = ({ slug }: Tenant, { code, message }: { code: string; message: string }) =>
    fail({ tenant: slug, name: null, code, message })
  const ends = await overTenants({ ...run, atOnce: TENANTS_AT_ONCE, failed }, async tenant => {
    await verifyTenant(journalAndBucket(run, tenant), tally, {
      ...run,
      etags: 'decide',
      lost: async (row, fault) =>
        void (await withTenant(run.catalog, tenant, tables => uploadAgain(tables, row, fault, Date.now()), run.signal)),
      found: ({ name, code, message }) => fail({ tenant: tenant.slug, name, code, message }),
      progress: objects => run.progress(objects, faults),
    })
  })
  const { bytes, rehashedBytes, ...objects } = tally
  const sample = { percent: run.share * 100, seed: run.seed }
  const durationMs = Math.round(performance.now() - begun)
  return { report: { tenants: ends.tenants, objects, bytes, rehashedBytes, sample, failures, durationMs }, stopped: ends.stopped }
}

export function journalAndBucket(
  { catalog, bucket, signal }: Pick<VerifyRun, 'catalog' | 'bucket' | 'signal'>,
  tenant: Tenant,
): JournalAndBucket {
  return { tenantId: tenant.id, bucket, journal: deed => withTenant(catalog, tenant, deed, signal) }
}
