import type { Selectable } from 'kysely'
import { chunksOf } from '../kernel/chunks.js'
import { shortHash } from '../kernel/hash.js'
import type { Catalog } from '../tenants/catalog.js'
import { insertRows, type SourcesTable } from '../tenants/databases/index.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { hostOf } from './urls.js'

export type SourceRow = Selectable<SourcesTable>

/** What of a source row a check decides. */
export type CheckedSource = Omit<SourceRow, 'lease_token' | 'lease_until'>

const IDS_PER_STATEMENT = 2_000

/**
 * Numbers of the sources of these URLs (as `parseFeedUrl` writes them); those that are not known yet are written, due at once, or when the quiet
 * that their host asked for is over. A URL whose source was merged into another has that one's number.
 */
export async function registerSources(catalog: Catalog, urls: readonly string[]): Promise<Map<string, SourceId>> {
  const now = Date.now()
  const known = new Map<string, SourceId>()
  for (const chunk of chunksOf([...new Set(urls)], IDS_PER_STATEMENT)) {
    const byHash = new Map(chunk.map(url => [shortHash(url), url]))
    await lookUp(catalog, byHash, known)
    const fresh = [...byHash]
      .filter(([, url]) => !known.has(url))
      .map(([hash, url]) => ({ url, url_hash: hash, host: hostOf(url) }))
    if (fresh.length === 0) continue
    const quiet = await quietHosts(catalog, [...new Set(fresh.map(source => source.host))], now)
    const rows = fresh.map(source => {
      const { until = 0, why = null } = quiet.get(source.host) ?? {}
      return { ...source, next_check_at: until, next_check_why: why, failure_count: 0, moved_count: 0, created_at: now }
    })
    await insertRows(catalog.database, 'sources', rows, 'keep')
    await lookUp(catalog, byHash, known)
  }
  return known
}

/** The rows of these sources, by number; one that is not there is missing from the map. */
export async function loadSources(catalog: Catalog, ids: readonly SourceId[]): Promise<Map<SourceId, SourceRow>> {
  const rows = new Map<SourceId, SourceRow>()
  for (const chunk of chunksOf(ids, IDS_PER_STATEMENT)) {
    for (const row of await catalog.kysely.selectFrom('sources').selectAll().where('id', 'in', chunk).execute())
      rows.set(parseSourceId(row.id), row)
  }
  return rows
}

/** Writes what checks decided, and gives the sources free, in one statement. */
export async function writeChecked(catalog: Catalog, checked: readonly CheckedSource[]): Promise<void> {
  const rows = checked.map(source => ({ ...source, lease_token: null, lease_until: null })).sort((a, b) => a.id - b.id)
  await insertRows(catalog.database, 'sources', rows, {
    key: ['id'],
    replace: [
      'host',
      'etag',
      'last_modified',
      'version',
      'checked_at',
      'checked_run',
      'changed_at',
      'next_check_at',
      'next_check_why',
      'rhythm',
      'notices',
      'moved_to',
      'moved_count',
      'retired_at',
      'failure_code',
      'failure_message',
      'failure_count',
      'lease_token',
      'lease_until',
    ],
  })
}

/**
 * Leaves every source of the host alone until then: what one of them was told by Retry-After is meant for all.
 * `why` is a `Reason[]` as JSON.
 */
export async function quietHost(catalog: Catalog, host: string, until: number, why: string): Promise<void> {
  await catalog.kysely
    .updateTable('sources')
    .set({ next_check_at: until, next_check_why: why })
    .where('host', '=', host)
    .where('next_check_at', '<', until)
    .execute()
}

/** Of these hosts, those that asked for quiet and until when, with the reason as their sources have it. */
async function quietHosts(
  catalog: Catalog,
  hosts: readonly string[],
  now: number,
): Promise<Map<string, { until: number; why: string | null }>> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(['host', 'next_check_at as until', 'next_check_why as why'])
    .where('host', 'in', hosts)
    .where('next_check_at', '>', now)
    .where('next_check_why', 'like', '%"host-quiet"%')
    .orderBy('next_check_at')
    .execute()
  return new Map(rows.map(row => [row.host ?? '', row]))
}

/** URLs that answered when they were last asked, the newest first. */
export async function sourcesThatAnswered(catalog: Catalog, limit: number): Promise<string[]> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select('url')
    .where('failure_code', 'is', null)
    .where('version', 'is not', null)
    .where('merged_into', 'is', null)
    .orderBy('checked_at', 'desc')
    .limit(limit)
    .execute()
  return rows.map(row => row.url)
}

async function lookUp(catalog: Catalog, byHash: ReadonlyMap<string, string>, known: Map<string, SourceId>): Promise<void> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(['id', 'url_hash', 'merged_into'])
    .where('url_hash', 'in', [...byHash.keys()])
    .execute()
  for (const row of rows) {
    const url = byHash.get(row.url_hash)
    if (url !== undefined) known.set(url, parseSourceId(row.merged_into ?? row.id))
  }
}
