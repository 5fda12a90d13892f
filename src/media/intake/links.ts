import type { Selectable } from 'kysely'
import { shortHash } from '../../kernel/hash.js'
import { asWriter } from '../../tenants/as-writer.js'
import type { MediaLinksTable } from '../../tenants/databases/index.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { MediaPolicy } from '../policy.js'
import { candidatesOf } from './candidates.js'
import { countersOf, moveCursor } from './counters.js'

const POSTS_PER_TRANSACTION = 25
/** The picture of a feed is named by every post of it: within this time it is not asked for again. */
const REUSED_FOR_MS = 7 * 86_400_000
const NOT_WANTED = { failure_code: 'MEDIA_REFUSED', failure_message: 'by what the feed says of it, the policy does not want it' }

/** A URL that some posts of the tenant name, to be tried now. */
export interface DueLink extends Pick<Selectable<MediaLinksTable>, 'post_id' | 'url' | 'url_hash' | 'attempts'> {}

/**
 * Notes what the next posts name, and moves on behind them, in one transaction; posts that change later are not looked at again. Answers how many URLs are to be tried, and whether posts are left; null where
 * no posts are looked at.
 */
export function noteLinks(tables: TenantTables, policy: MediaPolicy): Promise<{ waiting: number; more: boolean } | null> {
  return asWriter(tables, async tx => {
    const { next, cursor } = await countersOf(tx)
    if (cursor === null || cursor >= next) return null
    const posts = await tx
      .posts()
      .select(['id', 'image', 'enclosures', 'content'])
      .where('id', '>=', cursor)
      .orderBy('id')
      .limit(POSTS_PER_TRANSACTION)
      .execute()
    const now = Date.now()
    const rows = posts.flatMap(post =>
      candidatesOf(post, policy).map(({ url, kind, wanted }) => ({
        post_id: post.id,
        url_hash: shortHash(url),
        url,
        kind,
        media_id: null,
        state: wanted ? ('waiting' as const) : ('refused' as const),
        attempts: 0,
        next_at: wanted ? now : null,
        ...(wanted ? { failure_code: null, failure_message: null } : NOT_WANTED),
        created_at: now,
      })),
    )
    await tx.insert('media_links', rows, 'keep')
    const last = posts.length < POSTS_PER_TRANSACTION ? undefined : posts.at(-1)
    await moveCursor(tx, last === undefined ? next : last.id + 1)
    return { waiting: rows.filter(row => row.state === 'waiting').length, more: last !== undefined }
  })
}

/** Those that are to be tried now, who has waited longest first. */
export function dueLinks(tables: TenantTables, atMost: number, now: number): Promise<DueLink[]> {
  return tables
    .mediaLinks()
    .select(['post_id', 'url', 'url_hash', 'attempts'])
    .where('state', 'in', ['waiting', 'failed'])
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('post_id')
    .limit(atMost)
    .execute()
}

/** The file that was stored of this URL lately; null when there is none. */
export async function storedLately(tables: TenantTables, urlHash: string, now: number): Promise<number | null> {
  const row = await tables
    .mediaLinks()
    .select('media_id')
    .where('url_hash', '=', urlHash)
    .where('state', '=', 'stored')
    .where('created_at', '>', now - REUSED_FOR_MS)
    .limit(1)
    .executeTakeFirst()
  return row?.media_id ?? null
}
