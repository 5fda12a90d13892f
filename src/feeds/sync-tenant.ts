import { Batcher } from '../kernel/batcher.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import { parseSourceId } from '../tenants/ids.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Checked, CheckParts, SourceChecks, Traffic } from './checks.js'
import type { FeedDocument, SourceFailure } from './document.js'
import { inTurns } from './host-turns.js'
import type { CheckScope } from './leases.js'
import { decodeDocument } from './parse/codec.js'
import { emptyTenantReport, type TenantReport } from './report.js'
import { type Delivery, type Stored, storeDeliveries } from './store.js'
import { type FeedRow, followSource } from './subscriptions.js'
import { hostOf } from './urls.js'

/** Feeds of one tenant that are asked at once: a tenant with thousands must not lease them all, nor wait with all for one slow host. */
const TURNS = { total: 64, perHost: 16 }
const STORE_LINGER_MS = 25
const STORE_AT_MOST = 40

export interface SyncParts extends CheckParts {
  readonly checks: SourceChecks
}

type Outcome =
  | { kind: 'unchanged' | 'notDue' }
  /** Not asked: publishers cannot be reached from here. */
  | { kind: 'outage' }
  | { kind: 'newVersion'; stored: Stored }
  | { kind: 'failed'; failure: SourceFailure }

/**
 * Brings one tenant's feeds up to date. A feed's failure is an entry of the report.
 * @throws {Failure} UNAVAILABLE when the tenant's database or the catalog is away, and the signal's reason; what is stored stays, and is not stored again
 */
export async function syncTenant(
  parts: SyncParts,
  tenant: Tenant,
  scope: CheckScope,
  signal: AbortSignal,
): Promise<TenantReport> {
  const feeds = await withTenant(parts.catalog, tenant, tables => tables.feeds().selectAll().orderBy('id').execute())
  const report = emptyTenantReport()
  const traffic: Traffic = { requests: 0, notModified: 0, bytes: 0 }
  const shelf = new Batcher<Delivery, Stored | SourceFailure>({
    maxSize: STORE_AT_MOST,
    lingerMs: STORE_LINGER_MS,
    run: deliveries => store(parts, tenant, deliveries),
  })
  await inTurns(
    feeds,
    feed => hostOf(feed.url),
    TURNS,
    async feed => note(report, feed, await syncFeed(parts, tenant, shelf, feed, scope, traffic, signal)),
  )
  Object.assign(report.sources, traffic, { ids: feeds.map(feed => feed.source_id) })
  return report
}

async function syncFeed(
  parts: SyncParts,
  tenant: Tenant,
  shelf: Batcher<Delivery, Stored | SourceFailure>,
  feed: FeedRow,
  scope: CheckScope,
  traffic: Traffic,
  signal: AbortSignal,
): Promise<Outcome> {
  const checked = await parts.checks.check(parseSourceId(feed.source_id), scope, traffic, signal)
  if (checked.outage) return { kind: 'outage' }
  if (await followed(parts, tenant, feed, checked)) return { kind: 'unchanged' }
  if (checked.failure !== null && checked.checked) return { kind: 'failed', failure: checked.failure }
  if (checked.version === null || checked.version === feed.version) return { kind: checked.checked ? 'unchanged' : 'notDue' }
  const found = await documentOf(parts, checked, scope, traffic, signal)
  if (found === 'outage') return { kind: 'outage' }
  if ('failure' in found) return { kind: 'failed', failure: found.failure }
  const stored = await shelf.add({ feed, ...found })
  return 'code' in stored ? { kind: 'failed', failure: stored } : { kind: 'newVersion', stored }
}

/** Lets the feed follow its source to another URL. True when the tenant has a feed there already, which this one is part of now. */
async function followed(parts: SyncParts, tenant: Tenant, feed: FeedRow, { source }: Checked): Promise<boolean> {
  if ((source.id === feed.source_id && source.url === feed.url) || source.url === '') return false
  const outcome = await withTenant(parts.catalog, tenant, tables => followSource(tables, feed.id, source))
  return outcome === 'merged'
}

type Found = { version: string; document: FeedDocument } | { failure: SourceFailure } | 'outage'

/** The document of the version: just read, shared, or, when nobody has it any more, read anew. */
async function documentOf(
  parts: SyncParts,
  checked: Checked,
  scope: CheckScope,
  traffic: Traffic,
  signal: AbortSignal,
): Promise<Found> {
  const source = checked.source.id
  const shared = checked.document ?? (checked.version === null ? null : await parts.documents.get(source, checked.version))
  const document = shared === null ? null : decodeDocument(shared)
  if (document !== null && checked.version !== null) return { version: checked.version, document }
  const anew = await parts.checks.readAnew(source, scope, traffic, signal)
  if (anew.outage) return 'outage'
  const read = anew.document === null ? null : decodeDocument(anew.document)
  if (read !== null && anew.version !== null) return { version: anew.version, document: read }
  return { failure: anew.failure ?? { code: 'FEED_UNREADABLE', message: 'the document could not be read again' } }
}

/** Stores what arrived close together in one transaction; a document the database refuses is named, and the others are stored. */
async function store(parts: SyncParts, tenant: Tenant, deliveries: readonly Delivery[]): Promise<(Stored | SourceFailure)[]> {
  try {
    return await withTenant(parts.catalog, tenant, tables => storeDeliveries(tables, deliveries, Date.now()))
  } catch (error) {
    if (error instanceof Failure) throw error
    if (deliveries.length === 1)
      return [{ code: 'FEED_UNSTORABLE', message: `the database refuses a post of it: ${wordsOf(error)}` }]
    const stored: (Stored | SourceFailure)[] = []
    for (const delivery of deliveries) stored.push(...(await store(parts, tenant, [delivery])))
    return stored
  }
}

/** The one place where a feed's outcome is counted. */
function note(report: TenantReport, feed: FeedRow, outcome: Outcome): void {
  report.feeds.total++
  report.feeds[outcome.kind === 'outage' ? 'notDue' : outcome.kind]++
  if (outcome.kind === 'outage') report.outage.feeds++
  if (outcome.kind === 'failed') report.failures.push({ url: feed.url, ...outcome.failure })
  if (outcome.kind !== 'newVersion') return
  report.posts.new += outcome.stored.new
  report.posts.updated += outcome.stored.updated
  report.churn.held += outcome.stored.held
}
