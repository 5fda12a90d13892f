import { z } from 'zod'
import { isFailure } from '../../kernel/errors.js'
import { parseSlug, parseTenantName } from '../ids.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'
import { FORMAT, type Header, invalid } from './format.js'

const whole = z.int().min(0).nullable()

const HEADER = z.object({
  feedctl: z.literal('tenant'),
  format: z.int().positive(),
  schema: z.int().positive(),
  version: z.string().max(100),
  exported_at: z.iso.datetime(),
  tenant: z.object({
    id: z.int().positive(),
    slug: z.string(),
    name: z.string(),
    keep_days: whole,
    keep_posts: whole,
    media_types: z
      .array(z.string().regex(/^[\w.+/*-]{1,60}$/))
      .max(50)
      .nullable(),
    media_max_bytes: whole,
    media_per_post: whole,
    created_at: z.iso.datetime(),
  }),
}) satisfies z.ZodType<Header>

/** The first line. @throws {Failure} EXPORT_INVALID for anything else, and for one that a later feedctl wrote */
export function parseHeader(value: unknown): Header {
  const { success, data, error } = HEADER.safeParse(value)
  if (!success) {
    const issue = error.issues[0]
    throw invalid('the first line', issue === undefined ? 'is no header' : `${issue.path.join('.')}: ${issue.message}`)
  }
  if (data.format > FORMAT || data.schema > TENANT_SCHEMA_VERSION) {
    const what = data.format > FORMAT ? `has format ${data.format}` : `has tenant schema ${data.schema}`
    throw invalid(
      'export',
      `the file ${what}, which this feedctl does not know; it was written by ${data.version}: upgrade feedctl`,
    )
  }
  try {
    parseSlug(data.tenant.slug)
    parseTenantName(data.tenant.name)
  } catch (error) {
    if (isFailure(error)) throw invalid('the first line', error.message, error)
    throw error
  }
  return data
}
