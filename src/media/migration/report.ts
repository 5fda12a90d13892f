import type { Failure } from '../../kernel/errors.js'
import type { TenantSlug } from '../../tenants/ids.js'
import type { PaceChange } from '../pace.js'

/** Of failures, whose number is counted all the same. */
const FAILURES_KEPT = 1_000

export interface PaceReason extends Omit<PaceChange, 'at'> {
  readonly afterMs: number
}

export interface FileFailure {
  readonly tenant: string
  /** Null when all of the tenant failed. */
  readonly name: string | null
  readonly code: string
  readonly message: string
}

export interface MigrationReport {
  /**
   * `migrated`: in the bucket, looked at, and switched by this run; `skipped`: were so before. `vanished` files were there at the inventory and
   * not at their turn, and are in no other sum. What is missing of `total` was not come to.
   */
  readonly files: { total: number; migrated: number; skipped: number; failed: number; vanished: number }
  /** Of the migrated files. */
  readonly bytes: number
  /** The first ones. */
  readonly failures: readonly FileFailure[]
  /** Links and special files, left alone. */
  readonly ignored: number
  /** Of requests in flight. `afterMs`: since the run began. */
  readonly concurrency: { start: number; end: number; reasons: readonly PaceReason[] }
  readonly durationMs: number
}

/** What a run comes to, counted as it goes. */
export class Tally {
  readonly files = { total: 0, migrated: 0, skipped: 0, failed: 0, vanished: 0 }
  readonly failures: FileFailure[] = []
  bytes = 0
  ignored = 0
  /** Uploaded by this run, for the progress. */
  readonly uploaded = { files: 0, bytes: 0 }

  failed(tenant: TenantSlug, name: string | null, failure: Failure): void {
    if (name !== null) this.files.failed++
    if (this.failures.length < FAILURES_KEPT) {
      this.failures.push({ tenant, name, code: failure.code, message: failure.message })
    }
  }
}
