import { Failure } from '../../kernel/errors.js'
import { parseTenantId, type TenantId } from '../../tenants/ids.js'
import { type MediaName, parseMediaName } from '../names.js'

/** What a path of the API's media route names. */
export interface NamedFile {
  readonly tenantId: TenantId
  readonly name: MediaName
}

/**
 * Reads `/media/<tenant id>/<name>`, each segment decoded once, on its own: an encoded slash is no slash. The query is left aside.
 * @throws {Failure} MEDIA_NAME_INVALID
 */
export function parseOwnPath(url: string): NamedFile {
  const [, tenant, rest] = /^\/media\/([1-9]\d{0,14})\/([^?#]*)/.exec(url) ?? []
  if (tenant === undefined || rest === undefined) throw invalid()
  const segments = rest.split('/').map(decode)
  if (segments.some(segment => segment.includes('/'))) throw invalid()
  return { tenantId: parseTenantId(Number(tenant)), name: parseMediaName(segments.join('/')) }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    throw invalid(error)
  }
}

function invalid(cause?: unknown): Failure {
  return new Failure('MEDIA_NAME_INVALID', 'the path names no file of a tenant', { cause })
}
