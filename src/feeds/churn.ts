import { sql } from 'kysely'
import type { TenantTables } from '../tenants/tables.js'
import type { DocumentPost } from './document.js'

const LEAST_ENTRIES = 5
const NEW_SHARE = 0.8
const KNOWN_SHARE = 0.5
/** Newest posts of the feed that entries are compared with: twice the document's, and at least as many. */
const LEAST_POSTS = 500

/** A stored post as far as entries are recognised by it. */
export interface StoredPost {
  readonly id: number
  readonly url: string | null
  readonly title: string
  readonly published_at: number | null
  readonly sort_at: number
}

/** What becomes of the entries of a document whose publisher gave them new guids. */
export interface Churn {
  /** Entries that are stored posts under new guids, by the post's id. */
  readonly known: ReadonlyMap<number, DocumentPost>
  /** Entries that are not stored: the known ones, and those older than all that was compared. */
  readonly held: ReadonlySet<DocumentPost>
}

/** Whether nearly every entry has a guid that the feed does not know: only then is it worth while to look for churn. */
export function looksChurned(entries: number, fresh: number): boolean {
  return entries >= LEAST_ENTRIES && fresh >= entries * NEW_SHARE
}

/** The posts that entries of a document of this size are compared with, the newest first; `all` when the feed has none, and never had any, besides. */
export async function postsToCompare(
  tx: TenantTables,
  feedId: number,
  entries: number,
): Promise<{ posts: StoredPost[]; all: boolean }> {
  const limit = Math.max(LEAST_POSTS, entries * 2)
  const posts = await tx
    .posts()
    .select(['id', 'url', 'title', 'published_at', 'sort_at'])
    .where('feed_id', '=', feedId)
    // Not by the tenant's index, on the way through which a database may read all of a large tenant for one small feed.
    .orderBy(sql`sort_at + 0`, 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  const buried = await tx.tombstones().select('feed_id').where('feed_id', '=', feedId).limit(1).executeTakeFirst()
  return { posts, all: posts.length < limit && buried === undefined }
}

/**
 * Finds the stored posts among entries with new guids. An entry is a stored post when it has its link and either its title or no other date,
 * or its title and no other date; a link or an undated title that several entries have says nothing. Null when too few entries are stored
 * posts, which is how a feed looks that has only new ones; one is enough where the feed is known to churn.
 */
export function findChurn(
  fresh: readonly DocumentPost[],
  { posts, all }: { posts: readonly StoredPost[]; all: boolean },
  knownToChurn: boolean,
): Churn | null {
  const known = new Map<number, DocumentPost>()
  const [links, titles] = [tally(fresh.map(entry => entry.url)), tally(fresh.map(entry => entry.title))]
  const [byLink, byTitle] = [grouped(posts, post => post.url), grouped(posts, post => post.title)]
  for (const entry of fresh) {
    const sameLink = links.get(entry.url) === 1 ? (byLink.get(entry.url) ?? []) : []
    const sameTitle = byTitle.get(entry.title) ?? []
    const post =
      sameLink.find(post => !known.has(post.id) && (post.title === entry.title || dates(entry, post) !== 'differ')) ??
      sameTitle.find(post => {
        const agree = dates(entry, post)
        return !known.has(post.id) && (agree === 'same' || (agree === 'unknown' && titles.get(entry.title) === 1))
      })
    if (post !== undefined) known.set(post.id, entry)
  }
  const oldest = all ? Number.NEGATIVE_INFINITY : (posts.at(-1)?.sort_at ?? Number.NEGATIVE_INFINITY)
  // Under its old guid, one that is older than all that was compared would be stored or buried: it is not new.
  const beyond = fresh.filter(entry => entry.publishedAt !== null && entry.publishedAt < oldest)
  const held = new Set([...known.values(), ...beyond])
  return known.size === 0 || held.size < (knownToChurn ? 1 : fresh.length * KNOWN_SHARE) ? null : { known, held }
}

function dates(entry: DocumentPost, post: StoredPost): 'same' | 'differ' | 'unknown' {
  if (entry.publishedAt === null || post.published_at === null) return 'unknown'
  return entry.publishedAt === post.published_at ? 'same' : 'differ'
}

function tally(values: readonly (string | null)[]): Map<string | null, number> {
  const counts = new Map<string | null, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** Posts by what they have in common; those that have nothing there are left out. */
function grouped(posts: readonly StoredPost[], keyOf: (post: StoredPost) => string | null): Map<string | null, StoredPost[]> {
  const groups = new Map<string | null, StoredPost[]>()
  for (const post of posts) {
    const key = keyOf(post)
    if (key === null || key === '') continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [post])
    else group.push(post)
  }
  return groups
}
