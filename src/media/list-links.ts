import type { Selectable } from 'kysely'
import type { MediaLinksTable } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import type { LinkState } from './states.js'

export interface LinkFilter {
  readonly state?: LinkState
  /** Id of a post: `next` of the page before. */
  readonly after: number
  readonly limit: number
}

/**
 * One page of what a tenant's posts name, in the order of the posts' ids. A post's links are on one page: when those of the first post are more than `limit`, the page is longer.
 * `next`: to be passed as `after`; null on the last.
 */
export async function listLinks(tables: TenantTables, { state, after, limit }: LinkFilter) {
  const all = tables.mediaLinks().selectAll().orderBy('post_id').orderBy('url_hash')
  const query = state === undefined ? all : all.where('state', '=', state)
  const rows = await query
    .where('post_id', '>', after)
    .limit(limit + 1)
    .execute()
  const beyond = rows[limit]
  if (beyond === undefined) return { links: rows.map(linkOf), next: null }
  const whole = rows.filter(row => row.post_id < beyond.post_id)
  const page = whole.length > 0 ? whole : await query.where('post_id', '=', beyond.post_id).execute()
  return { links: page.map(linkOf), next: page.at(-1)?.post_id ?? null }
}

function linkOf(row: Selectable<MediaLinksTable>) {
  return {
    postId: row.post_id,
    url: row.url,
    kind: row.kind,
    state: row.state,
    mediaId: row.media_id,
    attempts: row.attempts,
    nextAt: row.next_at,
    failure: row.failure_code === null ? null : { code: row.failure_code, message: row.failure_message },
  }
}
