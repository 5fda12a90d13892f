import type { MediaState } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'

export interface MediaFilter {
  readonly state?: MediaState
  /** Id: `next` of the page before. */
  readonly after: number
  readonly limit: number
}

/** One page of a tenant's media in the order of their ids. `next`: to be passed as `after`; null on the last. */
export async function listMedia(tables: TenantTables, { state, after, limit }: MediaFilter) {
  const page = tables
    .media()
    .select(['id', 'name', 'state', 'state_at', 'bytes', 'type', 'sha256', 'md5', 'etag', 'attempts'])
    .select(['failure_code', 'failure_message', 'delete_after', 'created_at'])
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit + 1)
  const rows = await (state === undefined ? page : page.where('state', '=', state)).execute()
  const media = rows.slice(0, limit).map(row => ({
    id: row.id,
    name: row.name,
    state: row.state,
    stateAt: row.state_at,
    bytes: row.bytes,
    type: row.type,
    sha256: row.sha256,
    md5: row.md5,
    etag: row.etag,
    attempts: row.attempts,
    failure: row.failure_code === null ? null : { code: row.failure_code, message: row.failure_message },
    deleteAfter: row.delete_after === null ? null : new Date(row.delete_after),
    createdAt: row.created_at,
  }))
  return { media, next: rows.length > limit ? (media.at(-1)?.id ?? null) : null }
}
