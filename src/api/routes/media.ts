import { z } from 'zod'
import { Failure } from '../../kernel/errors.js'
import { type MediaFile, mediaById, mediaPage } from '../../media/serving/files.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { ApiParts, ApiServer } from '../parts.js'

const id = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const PAGE = z.strictObject({ limit: id.pipe(z.number().min(1).max(500)).default(100), after: id.default(0) })
const ONE = z.strictObject({ id })

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

  server.get('/v1/media', async (request, reply) => {
    const { tenant } = request
    const { limit, after } = read(PAGE, request.query, 'limit is 1 to 500, after is the id of a file')
    const { files, next } = await withTenant(catalog, tenant, tables => mediaPage(tables, after, limit))
    reply.headers(PRIVATE)
    return { media: await Promise.all(files.map(file => shown(tenant, file))), next }
  })

  server.get('/v1/media/:id', async (request, reply) => {
    const { tenant } = request
    const { id } = read(ONE, request.params, 'the id of a file is a number')
    const file = await withTenant(catalog, tenant, tables => mediaById(tables, id))
    if (file === null) throw new Failure('MEDIA_NOT_FOUND', `there is no file ${id}`)
    reply.headers(PRIVATE)
    return shown(tenant, file)
  })
}

/** @throws {Failure} USAGE with the words */
function read<T>(schema: z.ZodType<T>, value: unknown, words: string): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new Failure('USAGE', words)
  return result.data
}
