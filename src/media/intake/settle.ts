import type { Insertable } from 'kysely'
import { asWriter } from '../../tenants/as-writer.js'
import type { MediaLinksTable, MediaTable } from '../../tenants/databases/index.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { TenantWriter } from '../../tenants/tenant-writer.js'
import type { MediaKey } from '../names.js'
import { isPrunable } from '../prunable.js'
import type { DueLink } from './links.js'
import { nextAttemptAt } from './retries.js'

export type NewMedia = Pick<
  Insertable<MediaTable>,
  'name' | 'name_hash' | 'state' | 'bytes' | 'sha256' | 'md5' | 'type' | 'identity' | 'etag'
>

/** What became of a URL: its bytes were `put` on a disk and have no row yet, or are `stored` as a file that has one. */
export type Tried =
  | { readonly kind: 'put'; readonly key: MediaKey; readonly media: NewMedia }
  | { readonly kind: 'stored'; readonly mediaId: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryAfterS: number | null }
  | { readonly kind: 'postponed'; readonly retryAfterS: number }

type LinkColumns = Partial<
  Pick<MediaLinksTable, 'state' | 'media_id' | 'attempts' | 'next_at' | 'failure_code' | 'failure_message'>
>

/**
 * Writes what became of a URL to all its links, and the file that it brought, in one transaction. When no post names it any more, a file that was put is noted
 * as one that goes. False for a tenant without feeds, which is mostly one that is being removed: then nothing is written.
 */
export async function settle(tables: TenantTables, links: readonly DueLink[], tried: Tried, now: number): Promise<boolean> {
  const settled = await asWriter(tables, async tx => {
    if ((await tx.feeds().select('id').limit(1).executeTakeFirst()) === undefined) return null
    const found = await linksOf(tx, links).select('post_id').execute()
    const mediaId = await fileOf(tx, tried, { now, isNamed: found.length > 0 })
    const attempts = Math.max(...links.map(link => link.attempts)) + 1
    if (found.length > 0) await updateLinks(tx, links, columnsOf(tried, mediaId, attempts, now))
    return true
  })
  return settled ?? false
}

function linksOf(tx: TenantWriter, links: readonly DueLink[]) {
  return tx.mediaLinks().where('url_hash', '=', hashOf(links)).where('post_id', 'in', postsOf(links))
}

async function updateLinks(tx: TenantWriter, links: readonly DueLink[], columns: LinkColumns): Promise<void> {
  await tx.updateMediaLinks().set(columns).where('url_hash', '=', hashOf(links)).where('post_id', 'in', postsOf(links)).execute()
}

/** They are of one URL. */
function hashOf([first]: readonly DueLink[]): string {
  return first?.url_hash ?? ''
}

function postsOf(links: readonly DueLink[]): number[] {
  return links.map(link => link.post_id)
}

/** The id of the file; null for what brought none. */
async function fileOf(
  tx: TenantWriter,
  tried: Tried,
  { now, isNamed }: { now: number; isNamed: boolean },
): Promise<number | null> {
  if (tried.kind !== 'put' && tried.kind !== 'stored') return null
  const query = tx.media().select(['id', 'unlinked_at', 'state', 'etag'])
  const row = await (tried.kind === 'put'
    ? query.where('name_hash', '=', tried.media.name_hash)
    : query.where('id', '=', tried.mediaId)
  ).executeTakeFirst()
  if (row !== undefined) {
    const renewed = tried.kind === 'put' && isPrunable(row) ? anewOf(tried.media, row.etag, now) : {}
    const columns = { ...renewed, ...(isNamed ? { unlinked_at: null } : {}) }
    if (row.unlinked_at !== null && Object.keys(columns).length > 0)
      await tx.updateMedia().set(columns).where('id', '=', row.id).execute()
    return row.id
  }
  if (tried.kind === 'stored') throw new Error('a file went in spite of the lock on its tenant')
  const id = await tx.takeIds('media', 1)
  const unlinked_at = isNamed ? null : now
  await tx.insert('media', [{ id, ...tried.media, state_at: now, attempts: 0, unlinked_at, created_at: now }])
  return id
}

/** The row of bytes that were put again. A bucket's copy that is known of, and may still be there, stays known. */
function anewOf({ state, identity, etag }: NewMedia, known: string | null, now: number) {
  const fresh = { upload_id: null, parts: null, delete_after: null, attempts: 0, failure_code: null, failure_message: null }
  return { ...fresh, state, state_at: now, identity: identity ?? null, etag: etag ?? known }
}

function columnsOf(tried: Tried, mediaId: number | null, attempts: number, now: number): LinkColumns {
  switch (tried.kind) {
    case 'put':
    case 'stored':
      return { state: 'stored', media_id: mediaId, attempts, next_at: null, failure_code: null, failure_message: null }
    case 'postponed':
      return { next_at: now + tried.retryAfterS * 1000 }
    case 'refused':
      return { state: 'refused', attempts, next_at: null, failure_code: tried.code, failure_message: tried.message }
    case 'failed': {
      const next_at = nextAttemptAt(attempts, tried.code, tried.retryAfterS, now)
      return { state: 'failed', attempts, next_at, failure_code: tried.code, failure_message: tried.message }
    }
  }
}
