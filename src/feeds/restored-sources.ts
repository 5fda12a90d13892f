import { chunksOf } from '../kernel/chunks.js'
import { shortHash } from '../kernel/hash.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { registerSources } from './sources.js'

const HASHES_PER_STATEMENT = 2_000

/**
 * Numbers of the sources of these URLs (as `parseFeedUrl` writes them), those that are not known yet being written. Each URL has its own: where it was merged
 * into another, the feed follows with the next sync, as any feed does, and is merged with the tenant's other feed of that source when it has one.
 */
export async function sourcesOfRestored(catalog: Catalog, urls: readonly string[]): Promise<Map<string, SourceId>> {
  await registerSources(catalog, urls)
  const byHash = new Map(urls.map(url => [shortHash(url), url]))
  const found = new Map<string, SourceId>()
  for (const hashes of chunksOf([...byHash.keys()], HASHES_PER_STATEMENT)) {
    const rows = await catalog.kysely.selectFrom('sources').select(['id', 'url_hash']).where('url_hash', 'in', hashes).execute()
    for (const row of rows) found.set(byHash.get(row.url_hash) ?? '', parseSourceId(row.id))
  }
  return found
}
