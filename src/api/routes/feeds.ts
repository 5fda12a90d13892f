import { z } from 'zod'
import { feedById, feedPage } from '../../feeds/feed-views.js'
import { publicUrls } from '../../feeds/public-urls.js'
import { addFeeds, removeFeed, type Subscribed } from '../../feeds/subscriptions.js'
import { CURSOR, readCursor } from '../cursors.js'
import { BY_ID, NO_QUERY, pageSize } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { failing, TAGS, UNCHANGED } from '../schemas.js'
import { changing, FEED, FEEDS, noFeed, SUBSCRIBED, shownFeed, shownFeeds } from './feed-shapes.js'
import { opmlRoutes } from './opml.js'

/** URLs of one request: more are a file's. */
const MAX_URLS = 1_000
const MAX_TITLE_CHARS = 250

const QUERY = z.strictObject({ limit: pageSize(500, 100), cursor: CURSOR.optional() })
const URL_OF_FEED = z
  .string()
  .min(1)
  .meta({ examples: ['https://example.org/feed.xml'] })
const ONE = z.strictObject({
  url: URL_OF_FEED,
  title: z.string().trim().min(1).max(MAX_TITLE_CHARS).optional().meta({ description: "Shown until the feed's own is known." }),
})
const MANY = z.strictObject({ urls: z.array(URL_OF_FEED).min(1).max(MAX_URLS) })
const BODY = z.union([ONE, MANY], { error: 'must be {"url": "...", "title": "..."} or {"urls": ["..."]}' })
const OUTCOME = z.object({
  added: z.array(SUBSCRIBED),
  existing: z.array(SUBSCRIBED).meta({ description: 'Those that the tenant had already.' }),
})
const REMOVED = SUBSCRIBED.extend({ posts: z.int().meta({ description: 'Posts that were removed with it.' }) }).meta({
  description: 'What was removed.',
})

/** `/v1/feeds` and what is below it. */
export function feedRoutes(server: ApiServer, parts: ApiParts): void {
  readingRoutes(server, parts)
  changingRoutes(server, parts)
  opmlRoutes(server, parts)
}

function named({ id, url }: Subscribed): z.infer<typeof SUBSCRIBED> {
  return { id, url }
}

function readingRoutes(server: ApiServer, { answers, reads }: ApiParts): void {
  server.get(
    '/v1/feeds',
    {
      schema: {
        tags: [TAGS.feeds],
        summary: 'List feeds',
        description: 'In the order in which they were added.',
        querystring: QUERY,
        response: { 200: FEEDS, ...UNCHANGED, ...failing('CURSOR_INVALID') },
      },
    },
    async (request, reply) => {
      const { tenant, query } = request
      const { limit, cursor } = query
      const [after = 0] = cursor === undefined ? [] : readCursor(cursor, 1)
      return answers.send(request, reply, async () =>
        shownFeeds(await reads.read(tenant, catalog => feedPage(catalog, tenant, { after, limit }))),
      )
    },
  )

  server.get(
    '/v1/feeds/:id',
    {
      schema: {
        tags: [TAGS.feeds],
        summary: 'Read a feed',
        params: BY_ID,
        querystring: NO_QUERY,
        response: { 200: FEED, ...UNCHANGED, ...failing('FEED_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { tenant, params } = request
      return answers.send(request, reply, async () => {
        const feed = await reads.read(tenant, catalog => feedById(catalog, tenant, params.id))
        if (feed === null) throw noFeed()
        return shownFeed(feed)
      })
    },
  )
}

function changingRoutes(server: ApiServer, { app: { catalog, config }, answers }: ApiParts): void {
  server.post(
    '/v1/feeds',
    {
      schema: {
        tags: [TAGS.feeds],
        summary: 'Add feeds',
        description: `One, or up to ${MAX_URLS} at once: all of them or, when one is refused, none. They are fetched with the tenant's next sync, which is due at once.`,
        querystring: NO_QUERY,
        body: BODY,
        response: {
          201: OUTCOME.meta({ description: 'Feeds were added.' }),
          200: OUTCOME.meta({ description: 'The tenant had them all already.' }),
          ...failing('URL_INVALID', 'ADDRESS_REFUSED', 'FEEDS_TOO_MANY', 'TENANT_MOVING', 'TENANT_MOVED'),
        },
      },
    },
    async (request, reply) => {
      const { tenant, body } = request
      const title = 'url' in body ? (body.title ?? null) : null
      const { added, existing } = await changing(answers, tenant, async () => {
        const urls = publicUrls('url' in body ? [body.url] : body.urls, config.fetchAllow)
        const wishes = urls.map(url => ({ url, title }))
        return addFeeds(catalog, tenant, wishes, { maxFeeds: config.maxFeeds })
      })
      return reply.status(added.length > 0 ? 201 : 200).send({ added: added.map(named), existing: existing.map(named) })
    },
  )

  server.delete(
    '/v1/feeds/:id',
    {
      schema: {
        tags: [TAGS.feeds],
        summary: 'Remove a feed',
        description: 'Its posts go with it.',
        params: BY_ID,
        querystring: NO_QUERY,
        response: { 200: REMOVED, ...failing('FEED_NOT_FOUND', 'TENANT_MOVING', 'TENANT_MOVED') },
      },
    },
    async ({ tenant, params }) => changing(answers, tenant, () => removeFeed(catalog, tenant, String(params.id))),
  )
}
