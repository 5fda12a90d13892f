import { z } from 'zod'
import { Failure } from '../../kernel/errors.js'
import { type MediaFile, mediaById, mediaPage } from '../../media/serving/files.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { ApiParts, ApiServer } from '../parts.js'
import { failing, TAGS } from '../schemas.js'

const id = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const PAGE = z.strictObject({ limit: id.pipe(z.number().min(1).max(500)).default(100), after: id.default(0) })
const ONE = z.strictObject({ id })
const FILE = z
  .object({
    id: z.int(),
    name: z.string(),
    type: z.string().nullable().meta({ description: 'null while it is not known.' }),
    bytes: z.int(),
    sha256: z.string().nullable().meta({ description: 'In hexadecimal; null while it is not known.' }),
    url: z.string().meta({ description: 'A link that anybody may read it by; one that starts with / is a path of this API.' }),
    expires_at: z.iso.datetime().nullable().meta({ description: 'When the link ends; null is never.' }),
  })
  .meta({ id: 'MediaFile' })
const FILES = z.object({
  media: z.array(FILE),
  next: z.int().nullable().meta({ description: '`after` of the next page; null at the end.' }),
})

/** Links in them end, and they are one tenant's. */
const PRIVATE = { 'cache-control': 'private, no-store', vary: 'authorization' }

/**
 * `GET /v1/media?limit&after` answers `{"media":[...],"next":id|null}` in the order of ids; `GET /v1/media/:id` one of them. Each has a link that
 * anybody may read it by until `expires_at`; null is for good. A link that starts with `/` is a path of this API.
 */
export function mediaRoutes(server: ApiServer, { app: { catalog }, urls }: ApiParts): void {
  const shown = async (tenant: Tenant, file: MediaFile) => {
    const { url, expiresAt } = await urls.urlOf(tenant.id, file, Date.now())
    const { id, name, type, bytes, sha256 } = file
    return { id, name, type, bytes, sha256, url, expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString() }
  }

  server.get(
    '/v1/media',
    { schema: { tags: [TAGS.media], summary: 'Files, in the order of ids', querystring: PAGE, response: { 200: FILES } } },
    async (request, reply) => {
      const { tenant } = request
      const { limit, after } = request.query
      const { files, next } = await withTenant(catalog, tenant, tables => mediaPage(tables, after, limit))
      reply.headers(PRIVATE)
      return { media: await Promise.all(files.map(file => shown(tenant, file))), next }
    },
  )

  server.get(
    '/v1/media/:id',
    { schema: { tags: [TAGS.media], summary: 'One file', params: ONE, response: { 200: FILE, ...failing('MEDIA_NOT_FOUND') } } },
    async (request, reply) => {
      const { tenant } = request
      const { id } = request.params
      const file = await withTenant(catalog, tenant, tables => mediaById(tables, id))
      if (file === null) throw new Failure('MEDIA_NOT_FOUND', `there is no file ${id}`)
      reply.headers(PRIVATE)
      return shown(tenant, file)
    },
  )
}
