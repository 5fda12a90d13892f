import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { loadSources, registerSources, type SourceRow } from './sources.js'
import { sourceUrl } from './urls.js'

/** Checks in a row that have to be sent to the same new URL for good before the source is rewritten: publishers undo redirects. */
export const MOVES_BELIEVED = 3
const MAX_HOPS = 8

/** What a check that succeeded says about where the source is. `permanentUrl`: as the fetch found it, null when it was not sent on for good. */
export function moveSeen(
  source: Pick<SourceRow, 'url' | 'moved_to' | 'moved_count'>,
  permanentUrl: string | null,
): Pick<SourceRow, 'moved_to' | 'moved_count'> {
  const to = permanentUrl === null ? null : sourceUrl(permanentUrl)
  if (to === null || to === source.url) return { moved_to: null, moved_count: 0 }
  return { moved_to: to, moved_count: to === source.moved_to ? source.moved_count + 1 : 1 }
}

/**
 * Makes the source one with that of the URL it moved to, which is registered when it is new and then knows what this one knew. Feeds follow when their
 * tenants are synced next. Answers the source to ask from now on: itself when the new URL leads back to it.
 */
export async function moveSource(catalog: Catalog, source: Omit<SourceRow, 'lease_token' | 'lease_until'>): Promise<SourceId> {
  const id = parseSourceId(source.id)
  if (source.moved_to === null) return id
  const [found = id] = (await registerSources(catalog, [source.moved_to])).values()
  const target = await lastOf(catalog, found)
  if (target === id) return id
  const { etag, last_modified, version, checked_at, checked_run, changed_at, next_check_at, next_check_why, rhythm, notices } =
    source
  await catalog.kysely
    .updateTable('sources')
    .set({ etag, last_modified, version, checked_at, checked_run, changed_at, next_check_at, next_check_why, rhythm, notices })
    .where('id', '=', target)
    .where('checked_at', 'is', null)
    .where('lease_token', 'is', null)
    .execute()
  // It has just answered, whatever it did when it was asked under its own name: it is asked there again.
  await catalog.kysely
    .updateTable('sources')
    .set({ retired_at: null, failure_code: null, failure_message: null, failure_count: 0, next_check_at: 0 })
    .where('id', '=', target)
    .where('failure_code', 'is not', null)
    .execute()
  await catalog.kysely.updateTable('sources').set({ merged_into: target }).where('id', '=', id).execute()
  return target
}

/**
 * The source at the end of those that were merged one into the other. Two that were merged into each other at the same moment
 * are parted again.
 */
export async function lastOf(catalog: Catalog, id: SourceId): Promise<SourceId> {
  let at = id
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const into = (await loadSources(catalog, [at])).get(at)?.merged_into ?? null
    if (into === null) return at
    at = parseSourceId(into)
  }
  await catalog.kysely.updateTable('sources').set({ merged_into: null }).where('id', '=', at).execute()
  return at
}
