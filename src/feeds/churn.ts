import { sql } from 'kysely'
import type { TenantWriter } from '../tenants/tenant-writer.js'
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
  readonly content_hash: string
  readonly published_at: number | null
  readonly sort_at: number
  readonly created_at: number
}

/** The posts that entries are compared with, the newest first; `all` when the feed has none besides. */
export interface Compared {
  readonly posts: readonly StoredPost[]
  readonly all: boolean
}

/** What becomes of the entries of a document whose publisher gave them new guids. */
export interface Churn {
  /** Entries that are stored posts under new guids. */
  readonly known: ReadonlyMap<StoredPost, DocumentPost>
  /** Deleted posts, and entries older than all that was compared: under their old guids they would be stored. */
  readonly others: ReadonlySet<DocumentPost>
}

/** Whether nearly every entry has a guid that the feed does not know, and every one where there are few: only then is it worth while to look for churn. */
export function looksChurned(entries: number, fresh: number): boolean {
  return fresh > 0 && fresh >= (entries < LEAST_ENTRIES ? entries : entries * NEW_SHARE)
}

/** What the entries of a document of this size are compared with: not the posts whose own guids it lists. */
export async function postsToCompare(
  tx: TenantWriter,
  feedId: number,
  entries: number,
  listed: ReadonlySet<number>,
): Promise<Compared> {
  const limit = Math.max(LEAST_POSTS, entries * 2)
  const posts = await tx
    .posts()
    .select(['id', 'url', 'title', 'content_hash', 'published_at', 'sort_at', 'created_at'])
    .where('feed_id', '=', feedId)
    // Not by the tenant's index, on the way through which a database may read all of a large tenant for one small feed.
    .orderBy(sql`sort_at + 0`, 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return { posts: posts.filter(post => !listed.has(post.id)), all: posts.length < limit }
}

export interface Suspicion {
  /** How many entries the document has, those under known guids included. */
  readonly entries: number
  /** Entries that are deleted posts under new guids. */
  readonly buried: ReadonlySet<DocumentPost>
  /** Whether the feed's newest stored document was churned too. */
  readonly again: boolean
}

/**
 * Finds the stored posts among entries with new guids. Null when too few entries are stored or deleted posts, which is how a feed looks that has
 * only new ones; one is enough where guids changed the last time too. In a document of few entries all have to be, beyond doubt.
 */
export function findChurn(fresh: readonly DocumentPost[], { posts, all }: Compared, suspicion: Suspicion): Churn | null {
  const few = suspicion.entries < LEAST_ENTRIES
  const known = few ? recogniseSurely(fresh, posts) : recognise(fresh, posts)
  if (known.size === 0) return null
  const oldest = all ? Number.NEGATIVE_INFINITY : (posts.at(-1)?.sort_at ?? Number.NEGATIVE_INFINITY)
  const recognised = new Set(known.values())
  const isBeyond = (entry: DocumentPost) => entry.publishedAt !== null && entry.publishedAt < oldest
  const others = fresh.filter(entry => !recognised.has(entry) && (suspicion.buried.has(entry) || isBeyond(entry)))
  const enough = suspicion.again ? 1 : few ? fresh.length : fresh.length * KNOWN_SHARE
  return known.size + others.length < enough ? null : { known, others: new Set(others) }
}

/**
 * An entry is a stored post when it has its link, and no other date or the same content; or its title, and the same date or none.
 * A link or an undated title that several entries have says nothing.
 */
function recognise(fresh: readonly DocumentPost[], posts: readonly StoredPost[]): Map<StoredPost, DocumentPost> {
  const known = new Map<StoredPost, DocumentPost>()
  const [links, titles] = [tally(fresh.map(entry => entry.url)), tally(fresh.map(entry => entry.title))]
  const [byLink, byTitle] = [grouped(posts, post => post.url), grouped(posts, post => post.title)]
  for (const entry of fresh) {
    const sameLink = links.get(entry.url) === 1 ? (byLink.get(entry.url) ?? []) : []
    const sameTitle = byTitle.get(entry.title) ?? []
    const post =
      sameLink.find(post => !known.has(post) && (dates(entry, post) !== 'differ' || post.content_hash === entry.contentHash)) ??
      sameTitle.find(post => {
        const agree = dates(entry, post)
        return !known.has(post) && (agree === 'same' || (agree === 'unknown' && titles.get(entry.title) === 1))
      })
    if (post !== undefined) known.set(post, entry)
  }
  return known
}

/** An entry is a stored post when it has its content, or its link, title and date. */
function recogniseSurely(fresh: readonly DocumentPost[], posts: readonly StoredPost[]): Map<StoredPost, DocumentPost> {
  const known = new Map<StoredPost, DocumentPost>()
  for (const entry of fresh) {
    const post = posts.find(
      post =>
        !known.has(post) &&
        (post.content_hash === entry.contentHash ||
          (post.url !== null && post.url === entry.url && post.title === entry.title && dates(entry, post) === 'same')),
    )
    if (post !== undefined) known.set(post, entry)
  }
  return known
}

function dates(entry: DocumentPost, post: StoredPost): 'same' | 'differ' | 'unknown' {
  if (entry.publishedAt === null || post.published_at === null) return 'unknown'
  return entry.publishedAt === post.published_at ? 'same' : 'differ'
}

/** How often each value occurs. */
export function tally(values: readonly (string | null)[]): Map<string | null, number> {
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
