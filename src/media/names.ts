import { Failure } from '../kernel/errors.js'
import { shortHash } from '../kernel/hash.js'
import type { TenantId } from '../tenants/ids.js'

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** Name of a media file within its tenant: a relative path of `/`-joined segments, kept to the byte (NFC and NFD are two names). */
export type MediaName = Branded<string, 'MediaName'>
/** `<tenant id>/<media name>`: where the file is on any disk, below the disk's folder or key prefix. */
export type MediaKey = Branded<string, 'MediaKey'>
/** `<tenant id>/`: what all keys of a tenant start with. */
export type TenantPrefix = Branded<string, 'TenantPrefix'>

const MAX_SEGMENT_BYTES = 255
/** S3 allows keys of 1,024 bytes; the rest is for the prefix of the bucket and the tenant's number. */
const MAX_NAME_BYTES = 900
/** Names that the local disk uses for itself. */
export const RESERVED_SEGMENT = /^\.feedctl-/

/** @throws {Failure} MEDIA_NAME_INVALID for what leaves the tenant's folder, or is no path of both a file system and a bucket */
export function parseMediaName(text: string): MediaName {
  const fault = faultIn(text)
  if (fault === null) return text as MediaName
  throw new Failure('MEDIA_NAME_INVALID', `${JSON.stringify(text.slice(0, 80))} is no name of a media file: it ${fault}`)
}

export function isMediaName(text: string): boolean {
  return faultIn(text) === null
}

function faultIn(text: string): string | null {
  if (text === '') return 'is empty'
  if (/[\0\ufffd\p{Surrogate}]/u.test(text)) return 'is not valid UTF-8 text'
  if (Buffer.byteLength(text) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') return 'has an empty, . or .. segment'
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return `has a segment longer than ${MAX_SEGMENT_BYTES} bytes`
    if (RESERVED_SEGMENT.test(segment)) return 'has a segment that starts with .feedctl-'
  }
  return null
}

/** The name of content that sync stored: the same bytes have the same name. `sha256`: hex. `extension`: of the sniffed type, without a dot. */
export function contentName(sha256: string, extension: string): MediaName {
  return parseMediaName(`${sha256.slice(0, 2)}/${sha256}.${extension}`)
}

/** Whether it is a name as `contentName` gives. */
export function isContentName(name: MediaName): boolean {
  const [, start, sha256] = /^([0-9a-f]{2})\/([0-9a-f]{64})\.\w+$/.exec(name) ?? []
  return start !== undefined && sha256?.startsWith(start) === true
}

/** What a name is found by in the database. */
export function hashName(name: MediaName): string {
  return shortHash(name)
}

export function mediaKey(tenant: TenantId, name: MediaName): MediaKey {
  return `${tenant}/${name}` as MediaKey
}

export function tenantPrefix(tenant: TenantId): TenantPrefix {
  return `${tenant}/` as TenantPrefix
}
