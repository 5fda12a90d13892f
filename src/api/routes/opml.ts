import { z } from 'zod'
import { listFeeds } from '../../feeds/feed-views.js'
import { readOpml, writeOpml } from '../../feeds/opml.js'
import { publicUrls } from '../../feeds/public-urls.js'
import { addFeeds } from '../../feeds/subscriptions.js'
import { NO_QUERY } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { failing, TAGS } from '../schemas.js'
import { changing } from './feed-shapes.js'

const OPML_TYPES = ['text/x-opml', 'text/xml', 'application/xml']
const COUNTS = z
  .object({
    added: z.int(),
    existing: z.int().meta({ description: 'Feeds of the file that the tenant had already.' }),
  })
  .meta({ description: 'How many feeds the file named.' })
const DOCUMENT = z.string().meta({ description: 'OPML 2.0' })

/** `GET /v1/feeds.opml` and `POST /v1/feeds/opml`. */
export function opmlRoutes(server: ApiServer, { app: { catalog, config }, answers, reads }: ApiParts): void {
  server.get(
    '/v1/feeds.opml',
    {
      schema: {
        tags: [TAGS.feeds],
        summary: 'Export the feeds',
        description: 'As OPML, which other readers import.',
        querystring: NO_QUERY,
        response: { 200: { description: 'All feeds.', content: { 'text/x-opml': { schema: DOCUMENT } } } },
      },
    },
    async (request, reply) => {
      const { tenant } = request
      const feeds = (await reads.read(tenant, from => listFeeds(from, tenant))).map(({ url, title }) => ({
        url,
        title: title ?? url,
      }))
      return reply
        .type('text/x-opml; charset=utf-8')
        .header('content-disposition', 'attachment; filename="feeds.opml"')
        .send(writeOpml({ title: tenant.name, feeds, createdAt: Date.now() }))
    },
  )

  // Apart, for what is read here as it comes is JSON elsewhere.
  server.register(async here => {
    here.removeAllContentTypeParsers()
    here.addContentTypeParser(OPML_TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    ;(here as ApiServer).post(
      '/v1/feeds/opml',
      {
        schema: {
          tags: [TAGS.feeds],
          summary: 'Import feeds',
          description: 'Adds the feeds that an OPML file names: all of them or, when one is refused, none.',
          consumes: OPML_TYPES,
          querystring: NO_QUERY,
          body: z.any().meta({ type: 'string', description: 'An OPML file in any charset.' }),
          response: {
            200: COUNTS,
            ...failing('OPML_INVALID', 'OPML_TOO_LARGE', 'ADDRESS_REFUSED', 'FEEDS_TOO_MANY', 'TENANT_MOVING', 'TENANT_MOVED'),
          },
        },
      },
      async request => {
        const { tenant } = request
        const file = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        const { added, existing } = await changing(answers, tenant, async () => {
          const outlines = readOpml(file)
          publicUrls(
            outlines.map(outline => outline.url),
            config.fetchAllow,
          )
          const wishes = outlines.map(({ url, title }) => ({ url, title }))
          return addFeeds(catalog, tenant, wishes, { maxFeeds: config.maxFeeds })
        })
        return { added: added.length, existing: existing.length }
      },
    )
  })
}
