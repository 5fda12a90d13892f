import pLimit from 'p-limit'
import { Failure } from '../kernel/errors.js'
import { isHeldOff } from '../tenants/admission.js'
import type { Catalog } from '../tenants/catalog.js'
import { findTenant, listTenants, type Tenant } from '../tenants/tenant.js'
import { pruneTenant } from './retention.js'
import type { RetentionPolicy } from './retention-policy.js'

/** Tenants whose databases work at the same time. */
const AT_ONCE = 4
const PAGE = 200

export interface PruneTenantsOptions {
  readonly tenants: readonly Tenant[] | 'all'
  readonly settings: RetentionPolicy
  readonly dryRun: boolean
  /** Stops after the batches that are under way; the report says what was done. */
  readonly signal: AbortSignal
  readonly progress: (ended: number, total: number, posts: number) => void
  /** Removes the media that no post of the tenant names any more; with `dryRun` it only counts. */
  readonly pruneMedia: (tenant: Tenant) => Promise<{ readonly files: number; readonly bytes: number }>
}

export interface PruneReport {
  readonly dryRun: boolean
  /** `skipped`: the run was stopped before or while they were pruned, or a move held them off. */
  readonly tenants: { total: number; ok: number; failed: number; skipped: number }
  readonly posts: { removed: number }
  readonly tombstones: { dropped: number }
  readonly media: { removed: number; bytes: number }
  /** Tenants that lost posts, in the order of their ends. */
  readonly pruned: { tenant: string; posts: number }[]
  readonly failures: { tenant: string; code: string; message: string }[]
}

/** Prunes these tenants, or all active ones; one's failure does not stop the others. */
export async function pruneTenants(
  parts: { readonly catalog: Catalog },
  options: PruneTenantsOptions,
): Promise<PruneReport & { durationMs: number }> {
  const begun = performance.now()
  const total = options.tenants === 'all' ? await countActive(parts.catalog) : options.tenants.length
  const report: PruneReport = {
    dryRun: options.dryRun,
    tenants: { total, ok: 0, failed: 0, skipped: 0 },
    posts: { removed: 0 },
    tombstones: { dropped: 0 },
    media: { removed: 0, bytes: 0 },
    pruned: [],
    failures: [],
  }
  const limit = pLimit(AT_ONCE)
  for await (const page of pagesOf(parts.catalog, options.tenants)) {
    if (options.signal.aborted) break
    const ends = await Promise.allSettled(page.map(tenant => limit(() => pruneOne(parts, tenant, options, report))))
    const bug = ends.find(end => end.status === 'rejected')
    if (bug !== undefined) throw bug.reason
  }
  const { ok, failed, skipped } = report.tenants
  // Tenants that came or went meanwhile are no part of the sum.
  report.tenants.skipped = options.signal.aborted ? Math.max(0, total - ok - failed) : skipped
  report.tenants.total = ok + failed + report.tenants.skipped
  return { ...report, durationMs: Math.round(performance.now() - begun) }
}

/** The one place where a tenant's outcome is counted. */
async function pruneOne(
  parts: { readonly catalog: Catalog },
  tenant: Tenant,
  options: PruneTenantsOptions,
  report: PruneReport,
): Promise<void> {
  if (options.signal.aborted) return
  let removed = 0
  const gone = (posts: number) => {
    removed += posts
    report.posts.removed += posts
    options.progress(report.tenants.ok + report.tenants.failed, report.tenants.total, report.posts.removed)
  }
  try {
    const { settings, dryRun, signal } = options
    const pruned = await pruneTenant(parts, tenant, { settings, dryRun, signal, gone })
    report.tombstones.dropped += pruned.tombstones
    const { files, bytes } = await options.pruneMedia(tenant)
    report.media.removed += files
    report.media.bytes += bytes
    report.tenants.ok++
  } catch (error) {
    if (options.signal.aborted && error === options.signal.reason) return
    if (!(error instanceof Failure)) throw error
    if (isHeldOff(error)) {
      report.tenants.skipped++
      return
    }
    const now = await findTenant(parts.catalog, tenant.id).catch(() => tenant)
    if (now?.state !== 'active') return
    report.tenants.failed++
    report.failures.push({ tenant: tenant.slug, code: error.code, message: error.message })
  } finally {
    if (removed > 0) report.pruned.push({ tenant: tenant.slug, posts: removed })
    options.progress(report.tenants.ok + report.tenants.failed, report.tenants.total, report.posts.removed)
  }
}

async function* pagesOf(catalog: Catalog, tenants: readonly Tenant[] | 'all'): AsyncGenerator<readonly Tenant[]> {
  if (tenants !== 'all') return yield tenants
  for (let after: string | null = ''; after !== null; ) {
    const page = await listTenants(catalog, { state: 'active', limit: PAGE, ...(after === '' ? {} : { after }) })
    yield page.tenants
    after = page.next
  }
}

async function countActive(catalog: Catalog): Promise<number> {
  const row = await catalog.kysely
    .selectFrom('tenants')
    .select(eb => eb.fn.countAll<number>().as('tenants'))
    .where('state', '=', 'active')
    .executeTakeFirstOrThrow()
  return Number(row.tenants)
}
