import type { Readable } from 'node:stream'
import type { MediaKey, TenantPrefix } from '../names.js'

/** Bytes that can be read again from any place, as often as an attempt needs them. */
export interface Source {
  readonly bytes: number
  /** All at once; null for what is too large to be held. */
  readonly whole: Uint8Array | null
  /** A new stream of the bytes `from` (included) to `to` (not included). @throws {Failure} MEDIA_UNREADABLE, MEDIA_CHANGED; also as an error of the stream */
  open(from: number, to: number): Readable
  /** The same bytes where they are only looked at, to hash them; where it is not there `open` gives them. */
  readonly look?: (from: number, to: number) => Readable
}

/** What a disk is told of the bytes it stores. */
export interface ObjectFacts {
  /** MIME type. */
  readonly type: string
  /** Hex, of the content. */
  readonly md5: string
  readonly sha256: string
}

/** What a disk tells of an object. */
export interface Stat {
  readonly key: MediaKey
  readonly bytes: number
  /** Epoch ms. */
  readonly modifiedAt: number
  /** Without quotes: MD5 in hex, or that of the parts' MD5s and `-<parts>`; null on the local disk. */
  readonly etag: string | null
}

/** A range of bytes, both ends included, as in HTTP. `last` null: to the end. */
export interface ByteRange {
  readonly first: number
  readonly last: number | null
}

/** An object that is being read. The stream fails with MEDIA_CORRUPT when fewer bytes come than were told, UNAVAILABLE when it breaks. */
export interface Reading extends Omit<Stat, 'key'> {
  /** As it was stored with; null on the local disk. */
  readonly type: string | null
  readonly stream: Readable
}

/** Where media is kept. Every call rejects with the signal's reason when that aborts. Done twice, everything is calm. */
export interface Disk {
  readonly name: 'local' | 'wasabi'
  /**
   * Stores the bytes under the key, whole or not at all, and durably; an existing object is replaced. The bytes are checked against `md5` by the one who
   * stores them. @throws {Failure} UNAVAILABLE, DISK_FULL, BUCKET_REFUSED, BUCKET_NOT_FOUND, MEDIA_CORRUPT (not the bytes of `facts`), those of the source
   */
  put(key: MediaKey, source: Source, facts: ObjectFacts, signal: AbortSignal): Promise<{ readonly etag: string | null }>
  /** Null when there is no such object; never for a disk that cannot be asked. @throws {Failure} UNAVAILABLE, BUCKET_REFUSED, BUCKET_NOT_FOUND */
  stat(key: MediaKey, signal: AbortSignal): Promise<Stat | null>
  /** Null when there is no such object. Whoever takes the stream ends it. @throws {Failure} as `stat`; USAGE for a range outside of the object */
  read(key: MediaKey, range: ByteRange | null, signal: AbortSignal): Promise<Reading | null>
  /** Every object under the prefix after the key, in the order of the keys' bytes, across pages. A page that fails is a Failure, never a short list. */
  list(prefix: TenantPrefix, after: MediaKey | null, signal: AbortSignal): AsyncIterable<Stat>
  /** Removes objects; those that are not there are calm. @throws {Failure} UNAVAILABLE, BUCKET_REFUSED; some may be removed */
  remove(keys: readonly MediaKey[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface UploadedPart {
  /** From 1. */
  readonly number: number
  readonly bytes: number
  /** MD5 of the part, hex. */
  readonly etag: string
}

/** A multipart upload that can go on where it stopped. */
export interface Upload {
  readonly id: string
  readonly parts: readonly UploadedPart[]
}

/** A bucket. Its own retries are within each call: a call that rejects has been tried for some seconds. */
export interface Bucket extends Disk {
  readonly name: 'wasabi'
  /** From this size on a file is uploaded in parts, by `upload`; `put` takes any size. */
  readonly multipartFrom: number
  /**
   * Uploads in parts; goes on with `begun` where it is still there and its parts, as the bucket lists them, are those of the source. `note` is awaited when
   * the upload begins and after each part. When the source has changed meanwhile the upload is aborted. @throws {Failure} as `put`; MEDIA_CHANGED
   */
  upload(
    key: MediaKey,
    source: Source,
    facts: ObjectFacts,
    journal: { readonly begun: Upload | null; readonly note: (upload: Upload) => Promise<void> },
    signal: AbortSignal,
  ): Promise<{ readonly etag: string }>
  /** The etag that the bucket gives to such bytes, however it was told them: hex. */
  etagOf(source: Source, facts: ObjectFacts): Promise<string>
  /** Of uploads that were begun under the prefix, and never ended; answers how many. */
  abortUploads(prefix: TenantPrefix, olderThanMs: number, signal: AbortSignal): Promise<number>
  /** Numbers of the tenants that have objects, a page at a time, without a look at the objects. @throws {Failure} UNAVAILABLE, BUCKET_REFUSED, BUCKET_NOT_FOUND */
  tenants(signal: AbortSignal): AsyncIterable<readonly number[]>
  /** A link that anybody may read the object by: of the CDN, for good, or signed, for `ttlS` seconds. `download`: what a browser saves it as by a signed link; null shows it. */
  linkTo(key: MediaKey, options: { readonly ttlS: number; readonly download: string | null }): Promise<string>
  /** Told the outcome of each request, for who adapts to it. Answers how to stop. */
  watch(watcher: (request: RequestOutcome) => void): () => void
}

/** One attempt of one request. `bytes`: sent or received. */
export interface RequestOutcome {
  readonly kind: 'ok' | 'throttled' | 'failed'
  readonly ms: number
  readonly bytes: number
}

/** Files below a folder: each at `<folder>/<key>`. */
export interface LocalDisk extends Disk {
  readonly name: 'local'
  /** Absolute. It may not be there yet. */
  readonly folder: string
}

/** Both disks; `wasabi` null where no bucket is set. */
export interface Disks {
  readonly local: LocalDisk
  readonly wasabi: Bucket | null
  /** Where new media is stored. */
  readonly target: Disk
}
