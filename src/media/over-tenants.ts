import { setMaxListeners } from 'node:events'
import { Crew } from '../kernel/crew.js'
import { Failure, type FailureCode } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { Tenant } from '../tenants/tenant.js'
import { countTenants, pagesOfTenants } from './media-tenants.js'

/** What stops one tenant stops all of them. */
const FOR_ALL: ReadonlySet<FailureCode> = new Set(['BUCKET_REFUSED', 'BUCKET_NOT_FOUND', 'DISK_FULL', 'LOCKED'])
/** So many tenants in a row: it is not the database of one. */
const UNAVAILABLE_IN_A_ROW = 3

export interface TenantRun {
  readonly catalog: Catalog
  readonly tenants: readonly Tenant[] | 'all'
  readonly atOnce: number
  /** No tenant is begun after it aborts. */
  readonly signal: AbortSignal
  readonly failed: (tenant: Tenant, failure: Failure) => void
}

export interface TenantEnds {
  readonly tenants: { readonly total: number; readonly ok: number; readonly failed: number; readonly skipped: number }
  /** Why the others were not begun, or why one failed that can be tried again; null when neither is so. */
  readonly stopped: Failure | null
}

/** Does the deed for each tenant; the failure of one does not stop the others, unless it is that of all. */
export async function overTenants(run: TenantRun, deed: (tenant: Tenant) => Promise<void>): Promise<TenantEnds> {
  const [ends, crew] = [new Ends(run), new Crew(run.atOnce)]
  // Every request in flight listens to it.
  setMaxListeners(0, run.signal)
  const total = await countTenants(run.catalog, run.tenants)
  try {
    for await (const page of pagesOfTenants(run.catalog, run.tenants)) {
      for (const tenant of page) if (!ends.isOver) await crew.do(() => ends.of(tenant, deed))
    }
    await crew.end()
  } finally {
    await crew.settled()
  }
  const { ok, failed, stopped } = ends
  // Tenants that came or went meanwhile are no part of the sum.
  const skipped = ends.isOver ? Math.max(0, total - ok - failed) : 0
  return { tenants: { total: ok + failed + skipped, ok, failed, skipped }, stopped }
}

class Ends {
  ok = 0
  failed = 0
  stopped: Failure | null = null
  private unavailable = 0
  private mayGoOn = true

  constructor(private readonly run: TenantRun) {}

  get isOver(): boolean {
    return this.run.signal.aborted || !this.mayGoOn
  }

  /** The one place where a tenant's outcome is counted. */
  async of(tenant: Tenant, deed: (tenant: Tenant) => Promise<void>): Promise<void> {
    try {
      await deed(tenant)
      this.ok++
      this.unavailable = 0
    } catch (error) {
      if (this.run.signal.aborted) return
      if (!(error instanceof Failure)) throw error
      this.failed++
      this.unavailable = error.code === 'UNAVAILABLE' ? this.unavailable + 1 : 0
      const isForAll = FOR_ALL.has(error.code)
      if (isForAll || error.retry) this.stopped ??= error
      if (isForAll || this.unavailable >= UNAVAILABLE_IN_A_ROW) this.mayGoOn = false
      this.run.failed(tenant, error)
    }
  }
}
