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
 * Numbers of the sources of these URLs (as `parseFeedUrl` writes them); those that are not known yet are written, due at once or after the quiet
 * that their host asked for, and so are those that had been retired. A URL whose source was merged into another has that one's number.
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
    const rows = fresh.map(source => ({
      ...source,
      quiet_until: quiet.get(source.host) ?? null,
      next_check_at: 0,
      failure_count: 0,
      moved_count: 0,
      created_at: now,
    }))
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

/** Leaves every source of the host alone until then: what one of them was told by Retry-After is meant for all. */
export async function quietHost(catalog: Catalog, host: string, until: number): Promise<void> {
  await catalog.kysely
    .updateTable('sources')
    .set({ quiet_until: until })
    .where('host', '=', host)
    .where(eb => eb.or([eb('quiet_until', 'is', null), eb('quiet_until', '<', until)]))
    .execute()
}

/** When the source is due: its own time, and not before its host's quiet is over. */
export function dueAt({ next_check_at, quiet_until }: Pick<SourceRow, 'next_check_at' | 'quiet_until'>): number {
  return Math.max(next_check_at, quiet_until ?? 0)
}

/** Of these hosts, those that asked for quiet, and until when. */
async function quietHosts(catalog: Catalog, hosts: readonly string[], now: number): Promise<Map<string, number>> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(eb => ['host', eb.fn.max<number>('quiet_until').as('until')])
    .where('host', 'in', hosts)
    .where('quiet_until', '>', now)
    .groupBy('host')
    .execute()
  return new Map(rows.map(row => [row.host ?? '', Number(row.until)]))
}

/** URLs of different hosts that answered when they were last asked, the newest first. */
export async function sourcesThatAnswered(catalog: Catalog, limit: number): Promise<string[]> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(['url', 'host'])
    .where('failure_code', 'is', null)
    .where('version', 'is not', null)
    .where('merged_into', 'is', null)
    .orderBy('checked_at', 'desc')
    .limit(limit * 20)
    .execute()
  const byHost = new Map(rows.toReversed().map(row => [row.host ?? hostOf(row.url), row.url]))
  return [...byHost.values()].toReversed().slice(0, limit)
}

async function lookUp(catalog: Catalog, byHash: ReadonlyMap<string, string>, known: Map<string, SourceId>): Promise<void> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(['id', 'url_hash', 'merged_into', 'retired_at'])
    .where('url_hash', 'in', [...byHash.keys()])
    .execute()
  const retired = rows.filter(row => row.retired_at !== null).map(row => row.id)
  // Somebody wants it again: whether it is still gone is the publisher's to say.
  if (retired.length > 0)
    await catalog.kysely.updateTable('sources').set({ retired_at: null, next_check_at: 0 }).where('id', 'in', retired).execute()
  for (const row of rows) {
    const url = byHash.get(row.url_hash)
    if (url !== undefined) known.set(url, parseSourceId(row.merged_into ?? row.id))
  }
}
