import { z } from 'zod'
import { Failure } from '../../kernel/errors.js'
import { type MediaFile, mediaById, mediaPage } from '../../media/serving/files.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { BY_ID, MAX_ID, NO_QUERY, pageSize, TIME, timeOf, whole } from '../fields.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { failing, TAGS } from '../schemas.js'

const QUERY = z.strictObject({
  limit: pageSize(500, 100),
  after: whole(0, MAX_ID).default(0).meta({ description: '`next` of the page before.' }),
})
const FILE = z
  .object({
    id: z.int(),
    name: z.string(),
    type: z.string().nullable().meta({ description: 'MIME type; null, like `sha256`, until the file was read.' }),
    bytes: z.int(),
    sha256: z.string().nullable().meta({ description: 'In hexadecimal.' }),
    url: z.string().meta({ description: 'Opens the file without a token. One that starts with `/` is a path of this API.' }),
    expires_at: TIME.nullable().meta({ description: 'When the link ends; null for one that does not.' }),
  })
  .meta({ id: 'MediaFile', description: 'A file, and a link to it.' })
const PAGE = z
  .object({
    media: z.array(FILE),
    next: z.int().nullable().meta({ description: 'Pass it as `after` for the next page; null on the last.' }),
  })
  .meta({ description: 'One page.' })

/** Links in them end, and they are one tenant's. */
const PRIVATE = { 'cache-control': 'private, no-store', vary: 'authorization' }

/** `GET /v1/media` in the order of ids, and `GET /v1/media/:id`. */
export function mediaRoutes(server: ApiServer, { reads, urls }: ApiParts): void {
  const shown = async (tenant: Tenant, file: MediaFile): Promise<z.infer<typeof FILE>> => {
    const { url, expiresAt } = await urls.urlOf(tenant.id, file, Date.now())
    const { id, name, type, bytes, sha256 } = file
    return { id, name, type, bytes, sha256, url, expires_at: timeOf(expiresAt) }
  }

  server.get(
    '/v1/media',
    {
      schema: {
        tags: [TAGS.media],
        summary: 'List media files',
        description: 'In the order in which they were stored.',
        querystring: QUERY,
        response: { 200: PAGE },
      },
    },
    async (request, reply) => {
      const { tenant, query } = request
      const { files, next } = await reads.read(tenant, catalog =>
        withTenant(catalog, tenant, tables => mediaPage(tables, query.after, query.limit)),
      )
      reply.headers(PRIVATE)
      return { media: await Promise.all(files.map(file => shown(tenant, file))), next }
    },
  )

  server.get(
    '/v1/media/:id',
    {
      schema: {
        tags: [TAGS.media],
        summary: 'Read what a media file is, and a link to it',
        params: BY_ID,
        querystring: NO_QUERY,
        response: { 200: FILE, ...failing('MEDIA_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { tenant, params } = request
      const file = await reads.read(tenant, catalog => withTenant(catalog, tenant, tables => mediaById(tables, params.id)))
      if (file === null) throw new Failure('MEDIA_NOT_FOUND', 'there is no such file')
      reply.headers(PRIVATE)
      return shown(tenant, file)
    },
  )
}
