import type { Stat } from '../disks/driver.js'
import { isShown } from '../shown.js'
import { type Conditions, isNotModified, isSameForRange, type Validators } from './conditions.js'
import { contentType, dispositionOf, fileName } from './disposition.js'
import { isContentNamed, type MediaFile } from './files.js'
import { type FilePart, parseRange } from './ranges.js'

/** A request for a file, as far as the answer depends on it. */
export interface FileRequest extends Conditions {
  readonly method: 'GET' | 'HEAD'
  readonly range?: string | undefined
}

/** What is answered: the status, the headers, and which bytes of the file; `part` null for none of them. */
export interface FileAnswer {
  readonly status: 200 | 206 | 304 | 416
  readonly headers: Readonly<Record<string, string>>
  readonly part: FilePart | 'all' | null
}

/** For everything that is of a tenant's making: it is never run, and never taken for another type than it is told to be. */
export const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
} as const

const FOR_GOOD = 'private, max-age=31536000, immutable'
const ASK_AGAIN = 'private, no-cache'

/** The answer to a request for the local copy of a file. */
export function answerOf(request: FileRequest, file: MediaFile, stat: Stat, now: number): FileAnswer {
  const validators: Validators = { etag: etagOf(file, stat), modifiedAt: stat.modifiedAt }
  const kept = {
    ...SAFE_HEADERS,
    etag: validators.etag,
    'last-modified': new Date(stat.modifiedAt).toUTCString(),
    'cache-control': isContentNamed(file) ? FOR_GOOD : ASK_AGAIN,
  }
  if (isNotModified(request, validators)) return { status: 304, headers: kept, part: null }
  const headers = {
    ...kept,
    'accept-ranges': 'bytes',
    'content-type': contentType(file.type),
    'content-disposition': dispositionOf(fileName(file.name), isShown(file.type)),
  }
  const whole = { status: 200, headers: { ...headers, 'content-length': String(stat.bytes) }, part: 'all' } as const
  // A range is asked of GET only (RFC 9110, 14.2).
  if (request.method === 'HEAD') return { ...whole, part: null }
  const part = isSameForRange(request.ifRange, validators, now) ? parseRange(request.range, stat.bytes) : null
  if (part === null) return whole
  if (part === 'unsatisfiable') {
    return {
      status: 416,
      headers: { ...SAFE_HEADERS, 'content-range': `bytes */${stat.bytes}`, 'content-length': '0' },
      part: null,
    }
  }
  const range = {
    'content-range': `bytes ${part.first}-${part.last}/${stat.bytes}`,
    'content-length': String(part.last - part.first + 1),
  }
  return { status: 206, headers: { ...headers, ...range }, part }
}

/** SHA-256 where the name vouches for it; else what changes with the file, as any other may come to be under its name. */
function etagOf(file: MediaFile, stat: Stat): string {
  if (isContentNamed(file)) return `"${file.sha256}"`
  return `"${stat.bytes.toString(16)}-${stat.modifiedAt.toString(16)}"`
}
