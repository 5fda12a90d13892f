import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Bucket, LocalDisk } from '../disks/driver.js'
import { overTenants, type TenantEnds } from '../over-tenants.js'
import { carryingMedia } from '../tenant-lock.js'
import { journalAndBucket, type MediaFailure } from '../verify/verify.js'
import { freeBytes } from './local-copy.js'
import type { Restoring } from './restore.js'
import { type FileFault, planTenant, type RollbackParts, rollbackTenant, type TenantPlan } from './rollback-tenant.js'

const TENANTS_AT_ONCE = 4
const FAILURES_KEPT = 1_000

export interface RollbackReport {
  readonly dryRun: boolean
  /** `refused`: an object, or a local file, is not the one that the journal tells of; nothing of the tenant was switched. */
  readonly tenants: { total: number; ok: number; refused: number; failed: number; skipped: number }
  /** `total`: whose object is in the bucket. On a dry run `restored` are those that would be, and `kept` those whose local copy seems right. */
  readonly files: Record<Restoring | 'total' | 'failed', number>
  /** Written to the local disk, or to be written. */
  readonly bytes: number
  readonly freeBytes: number
  /** The first thousand. */
  readonly failures: readonly MediaFailure[]
  readonly durationMs: number
}

export interface RollbackRun {
  readonly catalog: Catalog
  readonly local: LocalDisk
  readonly bucket: Bucket
  readonly tenants: readonly Tenant[] | 'all'
  readonly dryRun: boolean
  readonly signal: AbortSignal
  readonly started: (files: number) => void
  readonly progress: (files: number, faults: number) => void
}

/**
 * Brings the files of these tenants back to the local disk, and their rows back to before the migration. Whoever calls it holds the lock of the migration.
 * `stopped`: as `overTenants`. @throws {Failure} DISK_FULL before anything is written, when not all of it has room
 */
export async function rollbackMedia(run: RollbackRun): Promise<{ report: RollbackReport; stopped: TenantEnds['stopped'] }> {
  return new Rollback(run).run()
}

class Rollback {
  private readonly begun = performance.now()
  private readonly plans = new Map<number, TenantPlan>()
  private readonly files = { total: 0, restored: 0, replaced: 0, kept: 0, earlier: 0, failed: 0 }
  private readonly failures: MediaFailure[] = []
  private bytes = 0
  private refused = 0
  private readonly free: number

  constructor(private readonly options: RollbackRun) {
    this.free = freeBytes(options.local)
  }

  async run() {
    const { dryRun } = this.options
    const planned = await this.over(tenant => this.plan(tenant))
    // When the bucket cannot be asked, the others would learn the same.
    if (dryRun || planned.stopped !== null || this.options.signal.aborted) return this.reported(planned)
    this.refuseWithoutRoom()
    // Whoever could not be looked at is looked at again.
    this.failures.length = 0
    this.options.started([...this.plans.values()].reduce((sum, { files }) => sum + files, 0))
    return this.reported(await this.over(tenant => this.rollBack(tenant)))
  }

  private over(deed: (tenant: Tenant) => Promise<void>): Promise<TenantEnds> {
    const failed = (tenant: Tenant, failure: Failure) => {
      if (failure instanceof Refusal) this.refused++
      else this.fail(tenant, null, failure)
    }
    return overTenants({ ...this.options, atOnce: TENANTS_AT_ONCE, failed }, deed)
  }

  private async plan(tenant: Tenant): Promise<void> {
    const plan = await planTenant(this.partsOf(tenant), this.options.signal)
    this.plans.set(tenant.id, plan)
    if (!this.options.dryRun) return
    this.files.total += plan.files
    this.files.restored += plan.missingFiles
    this.files.kept += plan.files - plan.missingFiles
    this.bytes += plan.missingBytes
    this.refuseFaults(tenant, plan)
  }

  private async rollBack(tenant: Tenant): Promise<void> {
    const plan = this.plans.get(tenant.id) ?? (await planTenant(this.partsOf(tenant), this.options.signal))
    this.files.total += plan.files
    this.refuseFaults(tenant, plan)
    const { catalog, signal } = this.options
    let isDone = false
    const isThere = await carryingMedia(catalog, tenant.id, async left => {
      isDone = await this.restore(tenant, AbortSignal.any([signal, left]))
    })
    if (!isThere) throw new Failure('TENANT_WRONG_STATE', `tenant ${tenant.slug} is being removed`)
    if (!isDone) throw new Refusal()
  }

  private restore(tenant: Tenant, signal: AbortSignal): Promise<boolean> {
    return rollbackTenant(this.partsOf(tenant), {
      signal,
      now: Date.now,
      done: ({ bytes }, how) => {
        this.files[how]++
        if (how === 'restored' || how === 'replaced') this.bytes += bytes
        this.tell()
      },
      fault: fault => {
        this.files.failed++
        this.fail(tenant, fault.name, fault)
        this.tell()
      },
    })
  }

  private refuseFaults(tenant: Tenant, { faults, faultCount }: TenantPlan): void {
    if (faultCount === 0) return
    this.files.failed += faultCount
    for (const fault of faults) this.fail(tenant, fault.name, fault)
    throw new Refusal()
  }

  private refuseWithoutRoom(): void {
    const needed = [...this.plans.values()].reduce((sum, plan) => sum + (plan.faultCount === 0 ? plan.missingBytes : 0), 0)
    if (needed <= this.free) return
    throw new Failure(
      'DISK_FULL',
      `the local disk has ${this.free} bytes free, and ${needed} are to be restored; nothing was changed`,
      {
        hint: 'make room, move FEEDCTL_DATA to a larger disk, or roll back some tenants',
      },
    )
  }

  private partsOf(tenant: Tenant): RollbackParts {
    return { ...journalAndBucket(this.options, tenant), local: this.options.local }
  }

  private tell(): void {
    const { total: _total, ...ended } = this.files
    this.options.progress(
      Object.values(ended).reduce((sum, files) => sum + files, 0),
      this.files.failed,
    )
  }

  private fail(tenant: Tenant, name: string | null, { code, message }: Pick<FileFault, 'code' | 'message'>): void {
    if (this.failures.length < FAILURES_KEPT) this.failures.push({ tenant: tenant.slug, name, code, message })
  }

  private reported({ tenants, stopped }: TenantEnds): { report: RollbackReport; stopped: TenantEnds['stopped'] } {
    const report = {
      dryRun: this.options.dryRun,
      tenants: { ...tenants, refused: this.refused, failed: tenants.failed - this.refused },
      files: this.files,
      bytes: this.bytes,
      freeBytes: this.free,
      failures: this.failures,
      durationMs: Math.round(performance.now() - this.begun),
    }
    return { report, stopped }
  }
}

/** Its reasons are told file by file. */
class Refusal extends Failure {
  constructor() {
    super('CHECK_FAILED', 'not every copy is the one that the journal tells of')
  }
}
