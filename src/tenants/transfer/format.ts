import { createHash, type Hash } from 'node:crypto'
import { Failure } from '../../kernel/errors.js'
import type { SectionName } from './sections.js'

/**
 * A file of a tenant is gzip, so that `zcat` shows it: a member with lines of JSON, and a second one, the seal, with the SHA-256 of all bytes before it.
 * The first line is the header. Then each table: a line that names it and its columns, a line for each row (a list of values, bytes as base64), and a line
 * with their number and the SHA-256 of their lines. The last line sums all up.
 */
export const FORMAT = 1

/** Of one line, and so of one row. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

export interface Header {
  readonly feedctl: 'tenant'
  readonly format: number
  /** Version of the tenant schema that the rows are of. */
  readonly schema: number
  /** Of the feedctl that wrote it. */
  readonly version: string
  readonly exported_at: string
  readonly tenant: {
    readonly id: number
    readonly slug: string
    readonly name: string
    readonly keep_days: number | null
    readonly keep_posts: number | null
    readonly media_types: readonly string[] | null
    readonly media_max_bytes: number | null
    readonly media_per_post: number | null
    readonly created_at: string
  }
}

export interface SectionHead {
  readonly table: SectionName
  readonly columns: readonly string[]
}

export interface SectionEnd {
  readonly end: SectionName
  readonly rows: number
  readonly sha256: string
}

/** Rows of all tables together; the SHA-256 is of all lines before this one. */
export interface Trailer {
  readonly end: 'tenant'
  readonly tables: number
  readonly rows: number
  readonly sha256: string
}

export function lineOf(value: Header | SectionHead | SectionEnd | Trailer | readonly unknown[]): string {
  return `${JSON.stringify(value)}\n`
}

export function invalid(where: string, why: string, cause?: unknown): Failure {
  return new Failure('EXPORT_INVALID', `${where}: ${why}`, {
    hint: 'take another copy of the file, or export the tenant again',
    ...(cause === undefined ? {} : { cause }),
  })
}

const SEAL_LINE_BYTES = 76
/** Bytes of every seal. */
export const SEAL_BYTES = 10 + 5 + SEAL_LINE_BYTES + 8

/** The gzip member that ends a file: the same SHA-256 has the same bytes, so that none of them can differ unseen. */
export function sealOf(body: Hash): Buffer {
  const line = Buffer.from(`{"seal":"${body.digest('hex')}"}\n`)
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0, 0])
  head.writeUInt16LE(line.length, 11)
  head.writeUInt16LE(~line.length & 0xffff, 13)
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(crc32(line), 0)
  tail.writeUInt32LE(line.length, 4)
  return Buffer.concat([head, line, tail])
}

export const newHash = (): Hash => createHash('sha256')

/** As RFC 1952 has it; Node's own came with 22. */
function crc32(data: Uint8Array): number {
  let crc = ~0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
