import { z } from 'zod'
import { reportOf } from '../../analytics/report.js'
import { MOST_POSTS, parseReport, REPORT_GROUPS } from '../../analytics/report-query.js'
import { withTenant } from '../../tenants/tables.js'
import { MAX_ID, whole } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { TAGS } from '../schemas.js'

const WHEN = 'a day, `2026-11-29`, or by minute a time, `2026-11-29T09:30Z`; UTC, included'
const QUERY = z.strictObject({
  from: z.string().max(40).optional().describe(`${WHEN}. 29 days, or 59 minutes, before \`to\` when absent`),
  to: z.string().max(40).optional().describe(`${WHEN}. Now when absent`),
  by: z.enum(REPORT_GROUPS).default('day').describe('what each row is about; minutes are shown of 24 hours at most'),
  post: whole(0, MAX_ID).optional().describe('only events of this post; 0: of none'),
  kind: z.string().min(1).max(32).optional().describe('only events of this kind'),
  limit: whole(1, MOST_POSTS)
    .default(100)
    .describe('most posts that are shown: those with the most events. Days times posts: 40,000 at most'),
})
const VISITORS = z.int().nullable().describe('different ones, estimated; null by minute')
const ROW = z.object({
  day: z.string().optional(),
  minute: z.string().optional(),
  kind: z.string().optional(),
  post_id: z.int().optional().describe('0 for events of no post'),
  title: z.string().nullable().optional().describe('null when the post is gone'),
  events: z.int(),
  visitors: VISITORS,
})
const REPORT = z.object({
  tenant: z.string(),
  from: z.string(),
  to: z.string(),
  by: z.enum(REPORT_GROUPS),
  rows: z.array(ROW),
  total: z.object({ events: z.int(), visitors: VISITORS }),
  visitors_error_percent: z.number(),
})

/** Counts lag behind by the seconds that events are gathered: an answer may be as old. Not one of the ready answers, since counting changes no content. */
const CACHE_CONTROL = 'private, max-age=10'

export function analyticsRoutes(server: ApiServer, { reads }: ApiParts): void {
  server.get(
    '/v1/analytics',
    {
      schema: {
        summary: 'events and visitors by day, post, kind or minute',
        tags: [TAGS.analytics],
        querystring: QUERY,
        response: { 200: REPORT },
      },
    },
    async ({ tenant, query }, reply) => {
      const asked = parseReport(query, Date.now())
      const report = await reads.read(tenant, catalog => withTenant(catalog, tenant, tables => reportOf(tables, asked)))
      reply.headers({ 'cache-control': CACHE_CONTROL, vary: 'authorization' })
      return { tenant: tenant.slug, ...report, rows: [...report.rows] }
    },
  )
}
