import type { Selectable } from 'kysely'
import { chunksOf } from '../kernel/chunks.js'
import { shortHash } from '../kernel/hash.js'
import type { Catalog } from '../tenants/catalog.js'
import { insertRows, type SourcesTable } from '../tenants/databases/index.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'

export type SourceRow = Selectable<SourcesTable>

/** What of a source row a check decides. */
export type CheckedSource = Omit<SourceRow, 'lease_token' | 'lease_until'>

const IDS_PER_STATEMENT = 2_000

/** Numbers of the sources of these URLs (as `parseFeedUrl` writes them); those that are not known yet are written, due at once. */
export async function registerSources(catalog: Catalog, urls: readonly string[]): Promise<Map<string, SourceId>> {
  const now = Date.now()
  const known = new Map<string, SourceId>()
  for (const chunk of chunksOf([...new Set(urls)], IDS_PER_STATEMENT)) {
    const byHash = new Map(chunk.map(url => [shortHash(url), url]))
    await lookUp(catalog, byHash, known)
    const rows = [...byHash]
      .filter(([, url]) => !known.has(url))
      .map(([hash, url]) => ({ url, url_hash: hash, next_check_at: 0, failure_count: 0, created_at: now }))
    if (rows.length === 0) continue
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
      'etag',
      'last_modified',
      'version',
      'checked_at',
      'checked_run',
      'changed_at',
      'next_check_at',
      'failure_code',
      'failure_message',
      'failure_count',
      'lease_token',
      'lease_until',
    ],
  })
}

async function lookUp(catalog: Catalog, byHash: ReadonlyMap<string, string>, known: Map<string, SourceId>): Promise<void> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(['id', 'url_hash'])
    .where('url_hash', 'in', [...byHash.keys()])
    .execute()
  for (const row of rows) {
    const url = byHash.get(row.url_hash)
    if (url !== undefined) known.set(url, parseSourceId(row.id))
  }
}
