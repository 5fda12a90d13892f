import { setImmediate } from 'node:timers/promises'
import type { TenantTables } from '../tenants/tables.js'
import type { AgedPost } from './expiry.js'

const POSTS_PER_PAGE = 5_000

/** The tenant's posts in order, the oldest (`asc`) or the newest (`desc`) first, a page at a time, so that memory stays bounded. */
export async function* postPages(tables: TenantTables, direction: 'asc' | 'desc'): AsyncGenerator<readonly AgedPost[]> {
  for (let page = await postsAfter(tables, direction, null); ; ) {
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < POSTS_PER_PAGE) return
    // SQLite works in this thread: signals and timers get their turn here.
    await setImmediate()
    page = await postsAfter(tables, direction, last)
  }
}

/**
 * The last of so many newest posts of each of these feeds, by the feed's id; those that have fewer are left out. What comes meanwhile
 * may be missed: a place is then older than it could be, never newer.
 */
export async function oldestOfNewest(
  tables: TenantTables,
  counts: ReadonlyMap<number, number>,
  signal: AbortSignal,
): Promise<Map<number, AgedPost>> {
  const places = new Map<number, AgedPost>()
  const left = new Map(counts)
  if (left.size === 0) return places
  for await (const page of postPages(tables, 'desc')) {
    signal.throwIfAborted()
    for (const post of page) {
      const count = left.get(post.feed_id)
      if (count === undefined) continue
      left.set(post.feed_id, count - 1)
      if (count > 1) continue
      places.set(post.feed_id, post)
      left.delete(post.feed_id)
      if (left.size === 0) return places
    }
  }
  return places
}

/** The next posts in order. Two plain ranges of the index: not every database reads `(sort_at, id) > (?, ?)` as one. */
async function postsAfter(tables: TenantTables, direction: 'asc' | 'desc', last: AgedPost | null): Promise<AgedPost[]> {
  const beyond = direction === 'asc' ? '>' : '<'
  const ordered = (limit: number) =>
    tables.posts().select(['id', 'feed_id', 'sort_at']).orderBy('sort_at', direction).orderBy('id', direction).limit(limit)
  if (last === null) return ordered(POSTS_PER_PAGE).execute()
  const same = await ordered(POSTS_PER_PAGE).where('sort_at', '=', last.sort_at).where('id', beyond, last.id).execute()
  const left = POSTS_PER_PAGE - same.length
  return left === 0 ? same : [...same, ...(await ordered(left).where('sort_at', beyond, last.sort_at).execute())]
}
