import type { App } from '../../src/app.js'
import { Failure } from '../../src/kernel/errors.js'
import type { FailedJob, QueueDesk } from '../../src/queues/index.js'

/** Which failed jobs are meant. */
export interface Selection {
  /** Null for those of every tenant, and of none. */
  readonly tenantId: number | null
  /** Null for failures of every kind. */
  readonly fingerprint: string | null
}

export interface SelectionFlags {
  readonly tenant?: string
  readonly error?: string
}

/** @throws {Failure} TENANT_NOT_FOUND, SLUG_INVALID, USAGE */
export async function selectionOf(app: App, { tenant, error }: SelectionFlags): Promise<Selection> {
  if (error !== undefined && !/^[0-9a-f]{8}$/.test(error)) {
    throw new Failure('USAGE', `'${error}' is no fingerprint: it has eight hex digits`, { hint: 'feedctl queue failed --group' })
  }
  return { tenantId: tenant === undefined ? null : await tenantIdOf(app, tenant), fingerprint: error ?? null }
}

/** @throws {Failure} TENANT_NOT_FOUND, SLUG_INVALID */
export async function tenantIdOf(app: App, slug: string): Promise<number> {
  const [{ getTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/tenant.js'),
    import('../../src/tenants/ids.js'),
  ])
  return (await getTenant(app.catalog, parseSlug(slug))).id
}

/** What failed: jobs; where there is no queue, the syncs of tenants that failed as a whole. */
export interface Failures {
  /** Null where there is no queue. */
  readonly desk: QueueDesk | null
  /** Newest first. */
  select(selection: Selection): AsyncIterable<FailedJob>
  /** Null when nothing that failed has the id. */
  find(id: string): Promise<FailedJob | null>
}

export async function openFailures(app: App): Promise<Failures> {
  if (app.config.queueConnection === 'redis') {
    const desk = await app.desk()
    return { desk, select: selection => matching(desk.failed(), selection), find: id => desk.find(id) }
  }
  const find = async (id: string) => {
    for await (const job of failedSyncs(app)) if (job.id === id) return job
    return null
  }
  return { desk: null, select: selection => matching(failedSyncs(app), selection), find }
}

async function* matching(jobs: AsyncIterable<FailedJob>, { tenantId, fingerprint }: Selection): AsyncGenerator<FailedJob> {
  for await (const job of jobs) {
    if (tenantId !== null && job.tenantId !== tenantId) continue
    if (fingerprint !== null && job.fingerprint !== fingerprint) continue
    yield job
  }
}

async function* failedSyncs(app: App): AsyncGenerator<FailedJob> {
  const [{ failedTenants }, { syncTenantFeeds }, { fingerprintOf }] = await Promise.all([
    import('../../src/feeds/failed-tenants.js'),
    import('../../src/jobs.js'),
    import('../../src/kernel/fingerprint.js'),
  ])
  for await (const { id, reason, failures, failedAt } of failedTenants(app.catalog)) {
    const { dedupeId, ...job } = syncTenantFeeds(id)
    const failure = { tenantId: id, reason, fingerprint: fingerprintOf(reason), attempts: failures, failedAt }
    yield { ...job, ...failure, id: dedupeId, quarantined: false, history: [] }
  }
}

/**
 * As the commands print it. `tenant`: its slug, null for a job that is no tenant's, and for one whose tenant is gone; that one's `tenantId`
 * still says which it was.
 */
export type JobView = Omit<FailedJob, 'payload'> & { readonly tenant: string | null }

export async function viewsOf(app: App, jobs: readonly FailedJob[]): Promise<JobView[]> {
  const { slugsOf } = await import('../../src/tenants/slugs.js')
  const slugs = await slugsOf(
    app.catalog,
    jobs.flatMap(job => job.tenantId ?? []),
  )
  return jobs.map(({ queue, id, name, tenantId, reason, fingerprint, attempts, failedAt, quarantined, history }) => {
    const tenant = tenantId === null ? null : (slugs.get(tenantId) ?? null)
    return { id, queue, name, tenant, tenantId, reason, fingerprint, attempts, failedAt, quarantined, history: [...history] }
  })
}
