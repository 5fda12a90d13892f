import { z } from 'zod'
import { hasFeed } from '../../feeds/feed-views.js'
import { type Post, type PostPage, type PostWish, readPost, readPosts } from '../../feeds/read-posts.js'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { CURSOR, cursorOf, NEXT, readCursor } from '../cursors.js'
import { BY_ID, ID, INSTANT, NO_QUERY, pageSize, TEXT, TIME, timeOf } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { failing, TAGS, UNCHANGED } from '../schemas.js'
import { noFeed } from './feed-shapes.js'

/** Posts of one page. */
export const MAX_POSTS = 100

const LISTED = z
  .object({
    id: z.int(),
    feed: z.object({
      id: z.int(),
      title: z.string().nullable().meta({ description: 'Null until the feed was read.' }),
      url: z.string(),
    }),
    title: z.string().meta({ description: "Plain text; '' where the publisher gave none." }),
    url: z.string().nullable(),
    author: z.string().nullable(),
    published_at: TIME.nullable().meta({ description: 'As the publisher says; null where it does not.' }),
    updated_at: TIME.nullable(),
    image: z.string().nullable().meta({ description: 'The picture that stands for the post.' }),
    categories: z.array(z.string()),
    enclosures: z.array(
      z.object({
        url: z.string(),
        type: z.string().nullable().meta({ description: 'MIME type, as the publisher declares it.' }),
        bytes: z.int().nullable(),
      }),
    ),
    content: z.string().optional().meta({ description: 'Sanitised HTML; only with `include=content`.' }),
  })
  .meta({ id: 'Post' })
const PAGE = z.object({ posts: z.array(LISTED), next: NEXT }).meta({ description: 'One page.' })
const WHOLE = LISTED.extend({ content: z.string().meta({ description: 'Sanitised HTML.' }) }).meta({
  description: 'The post, with its content.',
})

const QUERY = z.strictObject({
  limit: pageSize(MAX_POSTS, 20),
  cursor: CURSOR.optional(),
  feed: ID.optional().meta({ description: 'Only posts of this feed.' }),
  since: INSTANT.optional(),
  until: INSTANT.optional(),
  q: TEXT.optional().meta({ description: 'Only posts with this in their title, whatever its case.' }),
  include: z.literal('content').optional().meta({ description: 'Contents too.' }),
})

/** `GET /v1/posts`, the newest first, and `GET /v1/posts/:id`. */
export function postRoutes(server: ApiServer, { answers, reads }: ApiParts): void {
  const pageOf = (catalog: Catalog, tenant: Tenant, wish: PostWish): Promise<PostPage> =>
    withTenant(catalog, tenant, async tables => {
      const page = await readPosts(tables, wish)
      // Of two reasons for an empty page one is a refusal.
      if (wish.feed !== null && page.posts.length === 0 && !(await hasFeed(tables, wish.feed))) throw noFeed()
      return page
    })

  server.get(
    '/v1/posts',
    {
      schema: {
        tags: [TAGS.posts],
        summary: 'List posts',
        description: 'The newest first: by when they were published, or first seen where that is unknown or later.',
        querystring: QUERY,
        response: { 200: PAGE, ...UNCHANGED, ...failing('CURSOR_INVALID', 'FEED_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { tenant, query } = request
      const wish = wishOf(query)
      return answers.send(request, reply, async () => {
        const { posts, next } = await reads.read(tenant, catalog => pageOf(catalog, tenant, wish))
        return { posts: posts.map(shown), next: next === null ? null : cursorOf([next.sortAt, next.id]) }
      })
    },
  )

  server.get(
    '/v1/posts/:id',
    {
      schema: {
        tags: [TAGS.posts],
        summary: 'Read a post',
        params: BY_ID,
        querystring: NO_QUERY,
        response: { 200: WHOLE, ...UNCHANGED, ...failing('POST_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { tenant, params } = request
      return answers.send(request, reply, async () => {
        const post = await reads.read(tenant, catalog => withTenant(catalog, tenant, tables => readPost(tables, params.id)))
        if (post === null) throw new Failure('POST_NOT_FOUND', 'there is no such post')
        return shown(post)
      })
    },
  )
}

function wishOf({ limit, cursor, feed, since, until, q, include }: z.infer<typeof QUERY>): PostWish {
  const [sortAt = 0, id = 0] = cursor === undefined ? [] : readCursor(cursor, 2)
  return {
    limit,
    after: cursor === undefined ? null : { sortAt, id },
    feed: feed ?? null,
    since: since ?? null,
    until: until ?? null,
    text: q ?? null,
    content: include === 'content',
  }
}

/** Without its content where that was not read. */
function shown({ publishedAt, updatedAt, content, ...same }: Post): z.infer<typeof LISTED> {
  const { id, feed, title, url, author, image } = same
  return {
    ...{ id, feed, title, url, author },
    published_at: timeOf(publishedAt),
    updated_at: timeOf(updatedAt),
    image,
    categories: [...same.categories],
    enclosures: [...same.enclosures],
    ...(content === null ? {} : { content }),
  }
}
