import { Failure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId } from '../tenants/ids.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { type FeedAlert, readAlert } from './alert.js'
import type { Notice } from './document.js'
import { lastOf } from './moves.js'
import { isDue, type Reason, readReasons } from './schedule.js'
import { reason } from './schedule-reasons.js'
import { type SourceState, sourceState } from './source-state.js'
import { dueAt, loadSources, type SourceRow } from './sources.js'
import { type FeedRow, getFeed } from './subscriptions.js'
import { hostOf } from './urls.js'

/** What is known of a feed, and when it is asked next. */
export interface Explanation {
  readonly feed: {
    readonly id: number
    readonly url: string
    readonly title: string | null
    readonly posts: number
    readonly storedAt: number | null
    /** False when the tenant lacks the newest document that was read. */
    readonly upToDate: boolean
    readonly alert: FeedAlert | null
  }
  readonly source: SourceView
  readonly next: {
    /** Null when it is due at once, or never again. */
    readonly at: number | null
    /** Whether the next sync asks it. */
    readonly due: boolean
    readonly reasons: readonly Reason[]
  }
}

export interface SourceView {
  readonly id: number
  readonly url: string
  readonly host: string
  readonly state: SourceState
  readonly checkedAt: number | null
  /** What the newest check brought; null before the first. */
  readonly outcome: 'new-version' | 'unchanged' | 'failed' | null
  readonly changedAt: number | null
  readonly etag: string | null
  readonly lastModified: string | null
  readonly movedTo: string | null
  /** Checks in a row that were sent there. */
  readonly movedCount: number
  readonly retiredAt: number | null
  readonly failure: { readonly code: string; readonly message: string; readonly count: number } | null
  readonly notices: readonly Notice[]
}

/** Explains the tenant's feed of that id or URL at a moment. @throws {Failure} FEED_NOT_FOUND */
export async function explainFeed(catalog: Catalog, tenant: Tenant, named: string, now: number): Promise<Explanation> {
  const { row, posts } = await feedOf(catalog, tenant, named)
  const id = await lastOf(catalog, parseSourceId(row.source_id))
  const source = (await loadSources(catalog, [id])).get(id)
  if (source === undefined) throw new Failure('FEED_NOT_FOUND', `the catalog has no source for ${row.url}`)
  const { id: feedId, url, title, stored_at: storedAt } = row
  return {
    feed: { id: feedId, url, title, posts, storedAt, upToDate: row.version === source.version, alert: readAlert(row.alert) },
    source: viewOf(source),
    next: nextOf(source, now),
  }
}

async function feedOf(catalog: Catalog, tenant: Tenant, named: string): Promise<{ row: FeedRow; posts: number }> {
  return withTenant(catalog, tenant, async tables => {
    const row = await getFeed(tables, tenant, named)
    const { rows } = await tables
      .posts()
      .where('feed_id', '=', row.id)
      .select(eb => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow()
    return { row, posts: Number(rows) }
  })
}

function viewOf(source: SourceRow): SourceView {
  const { id, url, failure_code: code } = source
  return {
    id,
    url,
    host: source.host ?? hostOf(url),
    state: sourceState(source),
    checkedAt: source.checked_at,
    outcome: outcomeOf(source),
    changedAt: source.changed_at,
    etag: source.etag,
    lastModified: source.last_modified,
    movedTo: source.moved_to,
    movedCount: source.moved_count,
    retiredAt: source.retired_at,
    failure: code === null ? null : { code, message: source.failure_message ?? '', count: source.failure_count },
    notices: source.notices === null ? [] : (JSON.parse(source.notices) as Notice[]),
  }
}

/** A check that brings a new version writes one time as that of the check and of the change. */
function outcomeOf({ checked_at, changed_at, failure_code }: SourceRow): SourceView['outcome'] {
  if (checked_at === null) return null
  if (failure_code !== null) return 'failed'
  return checked_at === changed_at ? 'new-version' : 'unchanged'
}

function nextOf(source: SourceRow, now: number): Explanation['next'] {
  const reasons = readReasons(source.next_check_why)
  if (source.retired_at !== null) return { at: null, due: false, reasons }
  const at = dueAt(source)
  const quietMs = (source.quiet_until ?? 0) - now
  if (quietMs <= 0 || at === source.next_check_at) return { at: at === 0 ? null : at, due: isDue(at, now), reasons }
  const overruled = reasons.map(each => ({ ...each, decides: false }))
  return { at, due: false, reasons: [...overruled, { ...reason('host-quiet', quietMs), decides: true }] }
}
