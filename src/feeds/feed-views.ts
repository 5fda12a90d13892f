import type { Selectable } from 'kysely'
import type { Catalog } from '../tenants/catalog.js'
import type { FeedsTable } from '../tenants/databases/index.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { type FeedAlert, readAlert } from './alert.js'
import { type SourceState, sourceState } from './source-state.js'
import { dueAt, loadSources, type SourceRow } from './sources.js'

/** A feed as an operator sees it: the subscription and how its source does. */
export interface FeedView {
  readonly id: number
  readonly url: string
  readonly title: string | null
  readonly sourceId: SourceId
  readonly storedAt: number | null
  readonly checkedAt: number | null
  readonly nextCheckAt: number | null
  /** How its source does; `new` also when that is not in the catalog. */
  readonly state: SourceState
  /** Where its source is redirected for good; null when it is not. */
  readonly movedTo: string | null
  /** Why the newest check failed; null when it did not. */
  readonly failure: { readonly code: string; readonly message: string; readonly count: number } | null
  /** What its newest stored document gave reason to say; null mostly. */
  readonly alert: FeedAlert | null
}

export interface FeedPage {
  readonly feeds: readonly FeedView[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: number | null
}

type Row = Selectable<FeedsTable>

/** All of the tenant's feeds, in the order of their ids. */
export async function listFeeds(catalog: Catalog, tenant: Tenant): Promise<FeedView[]> {
  return viewsOf(catalog, await withTenant(catalog, tenant, tables => tables.feeds().selectAll().orderBy('id').execute()))
}

/** One page in the order of ids, from the one after `after`, as the tenant may see it, in two statements. */
export async function feedPage(
  catalog: Catalog,
  tenant: Tenant,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<FeedPage> {
  const rows = await withTenant(catalog, tenant, tables =>
    tables
      .feeds()
      .selectAll()
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit + 1)
      .execute(),
  )
  const feeds = await viewsOf(catalog, rows.slice(0, limit), isTenants)
  return { feeds, next: rows.length > limit ? (feeds.at(-1)?.id ?? null) : null }
}

/** As the tenant may see it; null when it has no such feed. */
export async function feedById(catalog: Catalog, tenant: Tenant, id: number): Promise<FeedView | null> {
  const rows = await withTenant(catalog, tenant, tables => tables.feeds().selectAll().where('id', '=', id).execute())
  return (await viewsOf(catalog, rows, isTenants))[0] ?? null
}

/** Whether the tenant has it. */
export async function hasFeed(tables: TenantTables, id: number): Promise<boolean> {
  return (await tables.feeds().select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

/** Of those sources that are not `shown`, the views know nothing. */
async function viewsOf(
  catalog: Catalog,
  rows: readonly Row[],
  shown = (_row: Row, _source: SourceRow) => true,
): Promise<FeedView[]> {
  const sources = await loadSources(
    catalog,
    rows.map(row => parseSourceId(row.source_id)),
  )
  return rows.map(row => {
    const source = sources.get(parseSourceId(row.source_id))
    return viewOf(row, source !== undefined && shown(row, source) ? source : undefined)
  })
}

/** A check that is older than the subscription tells that somebody else has one: it is not shown while the tenant has nothing of the feed. */
function isTenants(row: Row, source: SourceRow): boolean {
  return row.stored_at !== null || source.checked_at === null || source.checked_at >= row.created_at
}

function viewOf(row: Row, source: SourceRow | undefined): FeedView {
  const code = source?.failure_code ?? null
  return {
    id: row.id,
    url: row.url,
    title: row.title,
    sourceId: parseSourceId(row.source_id),
    storedAt: row.stored_at,
    checkedAt: source?.checked_at ?? null,
    nextCheckAt: source === undefined || source.retired_at !== null || dueAt(source) === 0 ? null : dueAt(source),
    state: source === undefined ? 'new' : sourceState(source),
    movedTo: source?.moved_to ?? null,
    failure: code === null ? null : { code, message: source?.failure_message ?? '', count: source?.failure_count ?? 0 },
    alert: readAlert(row.alert),
  }
}
