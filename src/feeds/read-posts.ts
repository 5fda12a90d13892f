import type { NotNull } from 'kysely'
import type { TenantRows } from '../tenants/tenant-rows.js'
import type { Enclosure } from './document.js'
import { titleHas } from './title-search.js'

/** A stored post with its feed, as readers see it. Times are epoch ms. */
export interface Post {
  readonly id: number
  readonly feed: { readonly id: number; readonly title: string | null; readonly url: string }
  readonly title: string
  readonly url: string | null
  readonly author: string | null
  readonly publishedAt: number | null
  readonly updatedAt: number | null
  readonly image: string | null
  readonly categories: readonly string[]
  readonly enclosures: readonly Enclosure[]
  /** Sanitised HTML; null where it was not read. */
  readonly content: string | null
}

/** Where a post stands in the order of posts. */
export interface PostPlace {
  /** When it was published, or first seen where that is unknown or later. */
  readonly sortAt: number
  readonly id: number
}

/** Which posts; null is any. */
export interface PostFilter {
  readonly feed: number | null
  /** From this moment on, and before that one. */
  readonly since: number | null
  readonly until: number | null
  /** In the title, as `titleHas` reads it. */
  readonly text: string | null
}

export interface PostWish extends PostFilter {
  /** Those after it in the order; null for the first page. */
  readonly after: PostPlace | null
  readonly limit: number
  readonly content: boolean
}

export interface PostPage {
  readonly posts: readonly Post[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: PostPlace | null
}

/** One page of the tenant's posts, the newest first, in one statement. What is stored meanwhile makes no later page miss or repeat a post that was there. */
export async function readPosts(tables: TenantRows, { after, limit, content, ...filter }: PostWish): Promise<PostPage> {
  let query = filteredPosts(tables, filter, content)
  if (after !== null) {
    const { sortAt, id } = after
    // The first condition says nothing new. MariaDB reads the second as two ranges of the index, SQLite neither it nor a shorter one: it takes the first.
    query = query
      .where('posts.sort_at', '<=', sortAt)
      .where(eb => eb.or([eb('posts.sort_at', '<', sortAt), eb.and([eb('posts.sort_at', '=', sortAt), eb('posts.id', '<', id)])]))
  }
  const rows = await query
    .orderBy('posts.sort_at', 'desc')
    .orderBy('posts.id', 'desc')
    .limit(limit + 1)
    .execute()
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    posts: rows.slice(0, limit).map(postOf),
    next: last === undefined ? null : { sortAt: last.sort_at, id: last.id },
  }
}

/** With its content; null when the tenant has no such post. */
export async function readPost(tables: TenantRows, id: number): Promise<Post | null> {
  const row = await postRows(tables, true).where('posts.id', '=', id).executeTakeFirst()
  return row === undefined ? null : postOf(row)
}

function filteredPosts(tables: TenantRows, { feed, since, until, text }: PostFilter, content: boolean) {
  return postRows(tables, content)
    .$if(feed !== null, query => query.where('posts.feed_id', '=', feed ?? 0))
    .$if(since !== null, query => query.where('posts.sort_at', '>=', since ?? 0))
    .$if(until !== null, query => query.where('posts.sort_at', '<', until ?? 0))
    .$if(text !== null, query => query.where(eb => titleHas(tables.dialect, eb.ref('posts.title'), text ?? '')))
}

/** The join is a left one for the database's sake, which might otherwise begin with the feeds and sort all their posts: no post is without its feed. */
function postRows(tables: TenantRows, content: boolean) {
  return tables
    .posts()
    .leftJoin('feeds', join => join.onRef('feeds.tenant_id', '=', 'posts.tenant_id').onRef('feeds.id', '=', 'posts.feed_id'))
    .select(['posts.id', 'posts.sort_at', 'posts.title', 'posts.url', 'posts.author', 'posts.published_at', 'posts.updated_at'])
    .select(['posts.image', 'posts.categories', 'posts.enclosures', 'posts.feed_id'])
    .select(['feeds.title as feed_title', 'feeds.url as feed_url'])
    .$if(content, query => query.select('posts.content'))
    .$narrowType<{ feed_url: NotNull }>()
}

type PostRow = Awaited<ReturnType<ReturnType<typeof postRows>['execute']>>[number]

function postOf(row: PostRow): Post {
  return {
    id: row.id,
    feed: { id: row.feed_id, title: row.feed_title, url: row.feed_url },
    title: row.title,
    url: row.url,
    author: row.author,
    publishedAt: row.published_at,
    updatedAt: row.updated_at,
    image: row.image,
    categories: JSON.parse(row.categories) as string[],
    enclosures: JSON.parse(row.enclosures) as Enclosure[],
    content: row.content ?? null,
  }
}
