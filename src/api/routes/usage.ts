import { z } from 'zod'
import { withTenant } from '../../tenants/tables.js'
import { usageOf } from '../../tenants/usage.js'
import { NO_QUERY } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { TAGS } from '../schemas.js'
import { MAX_POSTS } from './posts.js'

const USAGE = z
  .object({
    feeds: z.int(),
    posts: z.int(),
    media: z.object({ files: z.int(), bytes: z.int() }),
    events: z.object({ today: z.int().meta({ description: 'Of this day (UTC), as far as they are counted.' }) }),
    limits: z.object({
      feeds: z.int().meta({ description: 'Feeds that the tenant may have.' }),
      requests_per_s: z.int().nullable().meta({ description: 'Null: no limit.' }),
      body_bytes: z.int().meta({ description: 'Of a request.' }),
      posts_per_page: z.int(),
    }),
  })
  .meta({ description: 'What there is, and may be.' })

/** `GET /v1/usage`: how much the tenant has, and may. */
export function usageRoutes(server: ApiServer, { app: { config }, reads }: ApiParts): void {
  server.get(
    '/v1/usage',
    {
      schema: {
        tags: [TAGS.usage],
        summary: 'Read usage and limits',
        querystring: NO_QUERY,
        response: { 200: USAGE },
      },
    },
    async ({ tenant }) => {
      const { feeds, posts, mediaFiles, mediaBytes, eventsToday } = await reads.read(tenant, catalog =>
        withTenant(catalog, tenant, tables => usageOf(tables)),
      )
      return {
        feeds,
        posts,
        media: { files: mediaFiles, bytes: mediaBytes },
        events: { today: eventsToday },
        limits: {
          feeds: config.maxFeeds,
          requests_per_s: config.apiRate === 0 ? null : config.apiRate,
          body_bytes: config.apiMaxBodyBytes,
          posts_per_page: MAX_POSTS,
        },
      }
    },
  )
}
