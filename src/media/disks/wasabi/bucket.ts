import type { IncomingMessage } from 'node:http'
import { Failure } from '../../../kernel/errors.js'
import type { MediaKey, TenantPrefix } from '../../names.js'
import type { Bucket, ByteRange, ObjectFacts, Reading, RequestOutcome, Source, Stat, Upload } from '../driver.js'
import { exactly } from '../exact.js'
import { outside, within } from '../range.js'
import { md5Header, storedHeaders } from './headers.js'
import { cdnLink, type LinkOptions, signedLink } from './links.js'
import { bareEtag, foldersUnder, objectsUnder } from './listing.js'
import { etagOfParts, type PartPlan } from './parts.js'
import { removeObjects } from './removal.js'
import { broken, type Call, isAnswer, type Patience, Requests } from './requests.js'
import { Sdk, UNSIGNED } from './sdk.js'
import type { Keys } from './sdk-client.js'
import { abortUploadsUnder, uploadInParts } from './uploads.js'
import { Wire, type WireTimes } from './wire.js'

export interface BucketOptions {
  readonly endpoint: URL
  readonly region: string
  readonly bucket: string
  readonly keys: Keys
  /** What all objects' names start with, without a slash at its end. */
  readonly prefix: string
  /** CDN base of public links; null signs them. */
  readonly publicUrl: string | null
  readonly multipartFrom: number
  readonly partBytes: number
  readonly pageSize?: number
  readonly patience?: Partial<Patience>
  readonly times?: Partial<WireTimes>
}

const PATIENCE: Patience = { tries: 7, firstMs: 100, maxMs: 3000, totalMs: 60_000 }
const TIMES: WireTimes = { connectMs: 5000, idleMs: 30_000 }
const PAGE_SIZE = 1000
/** No tenant has this number: a listing of nothing. */
const NOBODY = '0/'
/** How long a bucket that was there is taken to be there still. */
const SEEN_MS = 60_000

/** A bucket at Wasabi, or at what speaks S3 as it does. */
export class WasabiBucket implements Bucket {
  readonly name = 'wasabi'
  readonly multipartFrom: number
  private readonly wire: Wire
  private readonly sdk: Sdk
  private readonly requests: Requests
  private readonly parts: PartPlan
  private seenUntil = 0

  constructor(private readonly options: BucketOptions) {
    const { endpoint, bucket } = options
    this.multipartFrom = options.multipartFrom
    this.parts = { partBytes: options.partBytes, inFlight: 4 }
    this.wire = new Wire(endpoint, { ...TIMES, ...options.times })
    this.sdk = new Sdk(this.wire, options)
    this.requests = new Requests(this.sdk, { host: endpoint.host, bucket }, { ...PATIENCE, ...options.patience })
  }

  async put(key: MediaKey, source: Source, facts: ObjectFacts, signal: AbortSignal): Promise<{ readonly etag: string }> {
    const answer = await this.requests.send(
      {
        method: 'PUT',
        object: this.objectOf(key),
        headers: { ...storedHeaders(key, facts), 'content-md5': md5Header(facts.md5) },
        body: bodyOf(source, facts),
        check: ({ headers }) => {
          const etag = bareEtag(headers.etag ?? '')
          return etag === facts.md5 ? null : `the bucket says that it stored ${etag || 'nothing'}, not ${facts.md5}`
        },
      },
      signal,
    )
    if (isAnswer(answer)) answer.resume()
    return { etag: facts.md5 }
  }

  async stat(key: MediaKey, signal: AbortSignal): Promise<Stat | null> {
    const call = {
      method: 'HEAD',
      object: this.objectOf(key),
      expect: (refusal: { status: number }) => refusal.status === 404,
    } as const
    const answer = await this.refused(() => this.requests.send(call, signal), signal)
    if (!isAnswer(answer)) {
      await this.seeBucket(signal)
      return null
    }
    answer.resume()
    const bytes = Number(answer.headers['content-length'])
    if (!Number.isSafeInteger(bytes)) throw broken(this.requests.place, new Error('it does not tell the size'))
    return { key, ...statOf(answer, bytes) }
  }

  async read(key: MediaKey, range: ByteRange | null, signal: AbortSignal): Promise<Reading | null> {
    if (range !== null) within(range, Number.MAX_SAFE_INTEGER)
    const answer = await this.requests.send(
      {
        method: 'GET',
        object: this.objectOf(key),
        ...(range === null ? {} : { headers: { range: `bytes=${range.first}-${range.last ?? ''}` } }),
        expect: refusal => refusal.code === 'NoSuchKey' || refusal.status === 416,
      },
      signal,
    )
    if (!isAnswer(answer)) {
      if (answer.status === 416 && range !== null) throw outside(range, null)
      return null
    }
    const bytes = Number(answer.headers['content-length'])
    const total = range === null ? bytes : totalOf(answer.headers['content-range'], range, bytes)
    if (total === null || !Number.isSafeInteger(bytes)) {
      answer.destroy()
      throw broken(this.requests.place, new Error(range === null ? 'it does not tell the size' : 'it answers another range'))
    }
    const stream = exactly(answer, bytes, error => (signal.aborted ? signal.reason : broken(this.requests.place, error)))
    return {
      ...statOf(answer, total),
      type: answer.headers['content-type'] ?? null,
      stream,
    }
  }

  async *list(prefix: TenantPrefix, after: MediaKey | null, signal: AbortSignal): AsyncGenerator<Stat> {
    const options = {
      prefix: this.objectOf(prefix),
      after: after === null ? null : this.objectOf(after),
      pageSize: this.options.pageSize ?? PAGE_SIZE,
    }
    for await (const { object, ...stat } of objectsUnder(this.requests, options, signal)) {
      yield { key: object.slice(this.options.prefix.length + 1) as MediaKey, ...stat }
    }
  }

  async *tenants(signal: AbortSignal): AsyncGenerator<readonly number[]> {
    const options = { prefix: `${this.options.prefix}/`, pageSize: this.options.pageSize ?? PAGE_SIZE }
    for await (const names of foldersUnder(this.requests, options, signal))
      yield names.filter(name => /^[1-9]\d{0,14}$/.test(name)).map(Number)
  }

  remove(keys: readonly MediaKey[], signal: AbortSignal): Promise<void> {
    return removeObjects(
      this.requests,
      keys.map(key => this.objectOf(key)),
      signal,
    )
  }

  upload(
    key: MediaKey,
    source: Source,
    facts: ObjectFacts,
    journal: { readonly begun: Upload | null; readonly note: (upload: Upload) => Promise<void> },
    signal: AbortSignal,
  ): Promise<{ readonly etag: string }> {
    const target = { object: this.objectOf(key), headers: storedHeaders(key, facts) }
    return uploadInParts({ requests: this.requests, target, source, facts, plan: this.parts, ...journal }, signal)
  }

  async etagOf(source: Source, facts: ObjectFacts): Promise<string> {
    return source.bytes < this.multipartFrom ? facts.md5 : etagOfParts(source, this.parts)
  }

  abortUploads(prefix: TenantPrefix, olderThanMs: number, signal: AbortSignal): Promise<number> {
    return abortUploadsUnder(this.requests, this.objectOf(prefix), Date.now() - olderThanMs, signal)
  }

  async linkTo(key: MediaKey, options: LinkOptions): Promise<string> {
    const object = this.objectOf(key)
    if (this.options.publicUrl !== null) return cdnLink(this.options.publicUrl, object)
    return signedLink(this.sdk, this.requests.pathOf(object), options)
  }

  watch(watcher: (request: RequestOutcome) => void): () => void {
    return this.requests.watch(watcher)
  }

  async close(): Promise<void> {
    this.wire.close()
  }

  private objectOf(key: string): string {
    return `${this.options.prefix}/${key}`
  }

  /** An answer to HEAD has no words: the listing of nothing is asked for them. */
  private async refused<T>(deed: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      if (error instanceof Failure && error.code === 'BUCKET_REFUSED') await this.askBucket(signal)
      throw error
    }
  }

  /** Without it everything in a bucket that is gone would be an object that is not there. @throws {Failure} BUCKET_NOT_FOUND */
  private async seeBucket(signal: AbortSignal): Promise<void> {
    if (performance.now() < this.seenUntil) return
    await this.askBucket(signal)
    this.seenUntil = performance.now() + SEEN_MS
  }

  private async askBucket(signal: AbortSignal): Promise<void> {
    const nothing = { Bucket: this.options.bucket, Prefix: this.objectOf(NOBODY), MaxKeys: 1 }
    await this.requests.ask((s3, sending) => s3.listObjectsV2(nothing, sending), signal)
  }
}

/** Of a large one the bucket checks the MD5 only, which is signed too: one more hash of every byte would cost both sides more than all the rest. */
function bodyOf(source: Source, facts: ObjectFacts): NonNullable<Call['body']> {
  const { bytes, whole } = source
  if (whole !== null) return { content: whole, bytes, sha256: facts.sha256 }
  return { content: { bytes, open: () => source.open(0, bytes) }, bytes, sha256: UNSIGNED }
}

/** Of the whole object, where the answer has the bytes that were asked for, and says so; else null. */
function totalOf(header: string | undefined, range: ByteRange, bytes: number): number | null {
  const [, first, last, total] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(header ?? '') ?? []).map(Number)
  if (first === undefined || last === undefined || total === undefined) return null
  const wanted = Math.min(range.last ?? total - 1, total - 1)
  return first === range.first && last === wanted && bytes === last - first + 1 ? total : null
}

function statOf(answer: IncomingMessage, bytes: number): Omit<Stat, 'key'> {
  return { bytes, modifiedAt: Date.parse(answer.headers['last-modified'] ?? ''), etag: bareEtag(answer.headers.etag ?? '') }
}
