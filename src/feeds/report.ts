import type { FailureCode } from '../kernel/errors.js'

const MAX_FAILURES_LISTED = 1_000
const UNREACHED = { code: 'UNAVAILABLE', message: 'its job did not get through' }

export interface FeedFailure {
  readonly url: string
  readonly code: FailureCode
  readonly message: string
}

/** What one tenant's part of a run came to. Kept as JSON in the catalog. */
export interface TenantReport {
  readonly feeds: { total: number; newVersion: number; unchanged: number; failed: number; notDue: number }
  /** `ids`: the tenant's sources; the rest counts only what this tenant's job caused. */
  readonly sources: { ids: number[]; requests: number; notModified: number; bytes: number }
  readonly posts: { new: number; updated: number }
  /** `held`: entries under new ids of posts that are stored already; they were not stored again. */
  readonly churn: { held: number }
  /** `feeds`: those of `notDue` that were not asked because publishers could not be reached from here. */
  readonly outage: { feeds: number }
  readonly failures: FeedFailure[]
  /** Why the tenant failed as a whole; null when it did not. */
  readonly failure: Omit<FeedFailure, 'url'> | null
  /** How long its jobs worked on it, ms. */
  readonly tookMs: number
  /** When the first of its sources is due, epoch ms; null when none will ever be. */
  dueAt: number | null
}

export function emptyTenantReport(): TenantReport {
  return {
    feeds: { total: 0, newVersion: 0, unchanged: 0, failed: 0, notDue: 0 },
    sources: { ids: [], requests: 0, notModified: 0, bytes: 0 },
    posts: { new: 0, updated: 0 },
    churn: { held: 0 },
    outage: { feeds: 0 },
    failures: [],
    failure: null,
    tookMs: 0,
    dueAt: null,
  }
}

/** The report of feeds that were synced one after the other by two jobs; what failed as a whole is the later one's to say. */
export function joinReports(done: TenantReport, more: TenantReport): TenantReport {
  const sums = emptyTenantReport()
  for (const report of [done, more]) {
    addCounts(sums, report)
    sums.sources.ids.push(...report.sources.ids)
    sums.failures.push(...report.failures)
  }
  return { ...sums, failure: more.failure, tookMs: done.tookMs + more.tookMs, dueAt: earlier(done.dueAt, more.dueAt) }
}

/** Whether nothing was done but to find that publishers cannot be reached from here. */
export function reachedNobody({ feeds, outage }: Pick<TenantReport, 'feeds' | 'outage'>): boolean {
  return outage.feeds > 0 && feeds.newVersion + feeds.unchanged + feeds.failed === 0
}

/** The earlier of two times; null is never. */
export function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}

/** What a run came to, as `feedctl sync` prints it. */
export interface SyncReport {
  readonly runId: string
  readonly tenants: { total: number; ok: number; failed: number; skipped: number }
  readonly feeds: TenantReport['feeds']
  readonly sources: { distinct: number; requests: number; notModified: number; bytes: number }
  readonly posts: TenantReport['posts']
  readonly churn: TenantReport['churn']
  readonly outage: TenantReport['outage']
  /** At most 1,000: `feeds.failed` and `tenants.failed` count them all. `url` is null where a tenant failed as a whole. */
  readonly failures: { tenant: string; url: string | null; code: string; message: string }[]
  readonly durationMs: number
}

/** Adds up tenants' reports. A tenant whose part has not ended counts as `unreached` says: failed after a whole run, skipped after a stop. */
export async function sumReports(
  runId: string,
  tenants: AsyncIterable<{ slug: string; state: string; report: TenantReport | null }>,
  options: { durationMs: number; unreached: 'failed' | 'skipped' },
): Promise<SyncReport> {
  const { feeds, posts, churn, outage, sources } = emptyTenantReport()
  const { ids: _none, ...traffic } = sources
  const counts = { total: 0, ok: 0, failed: 0, skipped: 0 }
  const distinct = new Set<number>()
  const failures: SyncReport['failures'] = []
  const note = (failure: SyncReport['failures'][number]) => {
    if (failures.length < MAX_FAILURES_LISTED) failures.push(failure)
  }
  for await (const { slug, state, report } of tenants) {
    counts.total++
    const outcome = state === 'ok' || state === 'failed' || state === 'skipped' ? state : options.unreached
    counts[outcome]++
    if (outcome === 'failed' && report === null) note({ tenant: slug, url: null, ...UNREACHED })
    if (report === null) continue
    addCounts({ feeds, posts, churn, outage, sources: traffic }, report)
    for (const id of report.sources.ids) distinct.add(id)
    if (report.failure !== null) note({ tenant: slug, url: null, ...report.failure })
    for (const failure of report.failures) note({ tenant: slug, ...failure })
  }
  return {
    runId,
    tenants: counts,
    feeds,
    sources: { distinct: distinct.size, ...traffic },
    posts,
    churn,
    outage,
    failures,
    durationMs: options.durationMs,
  }
}

type Counts = Pick<TenantReport, 'feeds' | 'posts' | 'churn' | 'outage'> & { sources: Omit<TenantReport['sources'], 'ids'> }

function addCounts(sums: Counts, report: TenantReport): void {
  addTo(sums.feeds, report.feeds)
  addTo(sums.posts, report.posts)
  // A run that an earlier feedctl began has reports without these.
  addTo(sums.churn, report.churn ?? {})
  addTo(sums.outage, report.outage ?? {})
  const { requests, notModified, bytes } = report.sources
  addTo(sums.sources, { requests, notModified, bytes })
}

function addTo<Sums extends Record<string, number>>(sums: Sums, more: Readonly<Sums>): void {
  for (const key of Object.keys(more) as (keyof Sums & string)[])
    (sums as Record<string, number>)[key] = (sums[key] ?? 0) + (more[key] ?? 0)
}
