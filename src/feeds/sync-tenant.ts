import { Batcher } from '../kernel/batcher.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import { ContentNews } from '../tenants/content-version.js'
import { parseSourceId } from '../tenants/ids.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import type { Checked, CheckParts, SourceChecks, Traffic } from './checks.js'
import type { FeedDocument, SourceFailure } from './document.js'
import { inTurns } from './host-turns.js'
import type { CheckScope } from './leases.js'
import { decodeDocument } from './parse/codec.js'
import { earlier, emptyTenantReport, type TenantReport } from './report.js'
import { registerSources } from './sources.js'
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

/** Which feeds of a tenant are synced, and for which run: at most so many, in the order of their ids, after the given one. */
export interface FeedsWanted {
  readonly scope: CheckScope
  readonly after: number
  readonly atMost: number
}

export interface TenantSync {
  /** Of these feeds only. */
  readonly report: TenantReport
  /** The last of them, when others follow; null when the tenant is done. */
  readonly afterFeed: number | null
  /** Whether the content changed and nobody was told of it: the caller tells. */
  readonly untold: boolean
}

/**
 * Brings feeds of one tenant up to date. A feed's failure is an entry of the report.
 * @throws {Failure} UNAVAILABLE when the tenant's database or the catalog is away, and the signal's reason: then nothing of it goes on; what is stored
 * stays, and is not stored again
 */
export async function syncTenant(
  parts: SyncParts,
  tenant: Tenant,
  { scope, after, atMost }: FeedsWanted,
  signal: AbortSignal,
): Promise<TenantSync> {
  const read = (tables: TenantTables) =>
    tables
      .feeds()
      .selectAll()
      .where('id', '>', after)
      .orderBy('id')
      .limit(atMost + 1)
      .execute()
  const found = await withTenant(parts.catalog, tenant, read, signal)
  const feeds = found.slice(0, atMost)
  const sync = new FeedsSync(parts, tenant, scope, signal)
  const report = await sync.run(feeds)
  const afterFeed = found.length > atMost ? (feeds.at(-1)?.id ?? null) : null
  return { report, afterFeed, untold: sync.news.take() }
}

class FeedsSync {
  readonly news: ContentNews
  private readonly report = emptyTenantReport()
  private readonly traffic: Traffic = { requests: 0, notModified: 0, bytes: 0 }
  private readonly shelf = new Batcher<Delivery, Stored | SourceFailure>({
    maxSize: STORE_AT_MOST,
    lingerMs: STORE_LINGER_MS,
    run: deliveries => this.store(deliveries),
  })

  constructor(
    private readonly parts: SyncParts,
    private readonly tenant: Tenant,
    private readonly scope: CheckScope,
    private readonly signal: AbortSignal,
  ) {
    this.news = new ContentNews(parts.catalog, tenant.id)
  }

  async run(feeds: readonly FeedRow[]): Promise<TenantReport> {
    const syncOne = async (feed: FeedRow) => this.note(feed, await this.sync(feed))
    try {
      await inTurns(feeds, feed => hostOf(feed.url), TURNS, syncOne)
    } catch (error) {
      await this.news.tell()
      throw error
    }
    Object.assign(this.report.sources, this.traffic, { ids: feeds.map(feed => feed.source_id) })
    return this.report
  }

  private async sync(feed: FeedRow): Promise<Outcome> {
    const { checks } = this.parts
    const checked = await checks.check(parseSourceId(feed.source_id), this.scope, this.traffic, this.signal)
    this.report.dueAt = earlier(this.report.dueAt, checked.dueAt)
    if (checked.outage) return { kind: 'outage' }
    if (checked.source.url === '') return this.syncAnew(feed)
    if (await this.followed(feed, checked)) return { kind: 'unchanged' }
    if (checked.failure !== null && checked.checked) return { kind: 'failed', failure: checked.failure }
    if (checked.version === null || checked.version === feed.version) return { kind: checked.checked ? 'unchanged' : 'notDue' }
    const found = await this.documentOf(checked)
    if (found === 'outage') return { kind: 'outage' }
    if ('failure' in found) return { kind: 'failed', failure: found.failure }
    const stored = await this.shelf.add({ feed, ...found })
    return 'code' in stored ? { kind: 'failed', failure: stored } : { kind: 'newVersion', stored }
  }

  /** Its source was forgotten, as one that nobody read: it is registered anew. */
  private async syncAnew(feed: FeedRow): Promise<Outcome> {
    const id = (await registerSources(this.parts.catalog, [feed.url])).get(feed.url)
    if (id === undefined) throw new Error(`no source for ${feed.url}`)
    const followed = await this.onTables(tables => followSource(tables, feed.id, { id, url: feed.url }))
    if (followed === 'merged') return { kind: 'unchanged' }
    return this.sync({ ...feed, source_id: id })
  }

  /** Lets the feed follow its source to another URL. True when the tenant has a feed there already, which this one is part of now. */
  private async followed(feed: FeedRow, { source }: Checked): Promise<boolean> {
    if (source.id === feed.source_id && source.url === feed.url) return false
    const followed = await this.onTables(tables => followSource(tables, feed.id, source))
    if (followed !== 'same') this.news.add()
    return followed === 'merged'
  }

  /** The document of the version: just read, shared, or, when nobody has it any more, read anew. */
  private async documentOf(checked: Checked): Promise<Found> {
    const { checks, documents } = this.parts
    const source = checked.source.id
    const shared = checked.document ?? (checked.version === null ? null : await documents.get(source, checked.version))
    const document = shared === null ? null : decodeDocument(shared)
    if (document !== null && checked.version !== null) return { version: checked.version, document }
    const anew = await checks.readAnew(source, this.scope, this.traffic, this.signal)
    if (anew.outage) return 'outage'
    const read = anew.document === null ? null : decodeDocument(anew.document)
    if (read !== null && anew.version !== null) return { version: anew.version, document: read }
    return { failure: anew.failure ?? { code: 'FEED_UNREADABLE', message: 'the document could not be read again' } }
  }

  /** Stores what arrived close together in one transaction; a document the database refuses is named, and the others are stored. */
  private async store(deliveries: readonly Delivery[]): Promise<(Stored | SourceFailure)[]> {
    try {
      const stored = await this.onTables(tables => storeDeliveries(tables, deliveries, Date.now()))
      if (deliveries.some((delivery, index) => isNews(delivery, stored[index]))) this.news.add()
      return stored
    } catch (error) {
      if (error instanceof Failure || this.signal.aborted) throw error
      if (deliveries.length === 1)
        return [{ code: 'FEED_UNSTORABLE', message: `the database refuses a post of it: ${wordsOf(error)}` }]
      const stored: (Stored | SourceFailure)[] = []
      for (const delivery of deliveries) stored.push(...(await this.store([delivery])))
      return stored
    }
  }

  private onTables<T>(deed: (tables: TenantTables) => Promise<T>): Promise<T> {
    return withTenant(this.parts.catalog, this.tenant, deed, this.signal)
  }

  /** The one place where a feed's outcome is counted. */
  private note(feed: FeedRow, outcome: Outcome): void {
    const { report } = this
    report.feeds.total++
    report.feeds[outcome.kind === 'outage' ? 'notDue' : outcome.kind]++
    if (outcome.kind === 'outage') report.outage.feeds++
    if (outcome.kind === 'failed') report.failures.push({ url: feed.url, ...outcome.failure })
    if (outcome.kind !== 'newVersion') return
    report.posts.new += outcome.stored.new
    report.posts.updated += outcome.stored.updated
    report.churn.held += outcome.stored.held
  }
}

/** Whether those who read the tenant's content find anything changed. */
function isNews({ feed, document }: Delivery, stored: Stored | undefined): boolean {
  if (stored !== undefined && stored.new + stored.updated + stored.held > 0) return true
  return feed.version === null || (document.title !== '' && document.title !== feed.title)
}

type Found = { version: string; document: FeedDocument } | { failure: SourceFailure } | 'outage'
