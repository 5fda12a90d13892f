import type { SyncReport } from '../../feeds/report.js'
import { addFeeds, listFeeds } from '../../feeds/subscriptions.js'
import { Failure } from '../../kernel/errors.js'
import { createTenants } from '../../tenants/provision.js'
import type { Tenant } from '../../tenants/tenant.js'
import { MIXED_FORMATS } from '../feed-server/documents.js'
import type { RemoteFeedServer } from '../feed-server/spawn.js'
import { HEALTHY_SOURCES, ODD, TENANTS } from './cast.js'
import * as checks from './checks.js'
import { type DemoPlan, type DemoSource, feedsOf, readersOf } from './plan.js'
import { countPosts, loadTenants, type Stage, sync, urlOf } from './stage.js'
import type { FailedSource, StepFacts } from './steps.js'

export function describeServer(server: RemoteFeedServer, { sources }: DemoPlan): StepFacts {
  const formats = { rss: 0, atom: 0, rdf: 0, json: 0 }
  for (let source = 1; source <= HEALTHY_SOURCES; source++) formats[MIXED_FORMATS[source % MIXED_FORMATS.length] ?? 'rss']++
  const hosts = new Set(sources.map(source => new URL(urlOf({ server }, source)).hostname)).size
  const broken = sources.filter(source => source.expects !== null).length
  return { name: 'serve', sources: sources.length, hosts, formats, odd: ODD.length, broken, checks: [] }
}

export async function createCast({ plan, server, app, signal }: Stage): Promise<StepFacts> {
  const wishesOf = (tenant: Tenant) => {
    const index = TENANTS.findIndex(({ slug }) => slug === tenant.slug)
    return feedsOf(plan, index).map(source => ({ url: urlOf({ server }, source), title: null }))
  }
  const furnish = (tenant: Tenant) => addFeeds(app.catalog, tenant, wishesOf(tenant))
  const { tenants, failures } = await createTenants(app.catalog, app.config.databasePrefix, TENANTS, { furnish, signal })
  const [failure] = failures
  if (failure !== undefined) throw new Failure('UNAVAILABLE', `tenant ${failure.slug} could not be created: ${failure.message}`)
  const shared = TENANTS.filter(tenant => tenant.placement === 'shared').length
  return {
    name: 'create',
    dedicated: tenants.created - shared,
    shared,
    feeds: plan.reading.flat().length,
    mostReaders: Math.max(...plan.sources.map((_, position) => readersOf(plan, position).length)),
    checks: [],
  }
}

export async function syncFirst(stage: Stage): Promise<StepFacts> {
  await stage.server.resetStats()
  const report = await sync(stage, 'all', false)
  const failed = await failedSources(stage)
  const [asked, stored] = [await stage.server.stats(), await countPosts(stage)]
  return {
    name: 'sync',
    report,
    failed,
    checks: [checks.askedOnce(stage, asked), checks.storedAll(stage, report, stored), checks.failedAsExpected(stage, failed)],
  }
}

export async function syncAgain(stage: Stage): Promise<StepFacts> {
  const { report, requests } = await syncAgainst(stage, 'all', false)
  return { name: 'again', report, checks: [checks.nothingAsked(report, requests)] }
}

export async function syncForced(stage: Stage): Promise<StepFacts> {
  const before = await countPosts(stage)
  const { report, notModified } = await syncAgainst(stage, 'all', true)
  const after = await countPosts(stage)
  return {
    name: 'forced',
    report,
    checks: [checks.notModified(stage, notModified), checks.nothingWritten(report, before, after)],
  }
}

export async function publish(stage: Stage): Promise<StepFacts> {
  const { plan, server, app } = stage
  const source = plan.sources[plan.publishing] as DemoSource & { at: number }
  const url = urlOf(stage, source)
  const cast = await loadTenants(stage)
  const readers = readersOf(plan, plan.publishing).flatMap(index => cast[index] ?? [])
  await server.advanceEdition(source.at)
  const ids = readers.map(tenant => tenant.id)
  const { report, byPath } = await syncAgainst(stage, ids, true)
  const [first] = readers
  const feeds = first === undefined ? [] : await listFeeds(app.catalog, first)
  return {
    name: 'publish',
    report,
    url,
    title: feeds.find(feed => feed.url === url)?.title ?? url,
    readers: readers.length,
    checks: [checks.broughtToAll(report, readers.length, byPath[new URL(url).pathname] ?? 0)],
  }
}

/** A sync, and what the server counted of it. */
async function syncAgainst(stage: Stage, tenants: Parameters<typeof sync>[1], forced: boolean) {
  await stage.server.resetStats()
  const report: SyncReport = await sync(stage, tenants, forced)
  return { report, ...(await stage.server.stats()) }
}

/** In the order of the plan. */
async function failedSources({ plan, server, app }: Stage): Promise<FailedSource[]> {
  const urls = plan.sources.map(source => urlOf({ server }, source))
  const rows = await app.catalog.kysely
    .selectFrom('sources')
    .select(['url', 'failure_code', 'failure_message', 'next_check_at', 'retired_at'])
    .where('failure_code', 'is not', null)
    .execute()
  const failed = rows.map(row => ({
    url: row.url,
    code: row.failure_code ?? '',
    message: row.failure_message ?? '',
    nextCheckAt: row.retired_at === null ? row.next_check_at : null,
  }))
  return failed.sort((a, b) => urls.indexOf(a.url) - urls.indexOf(b.url))
}
