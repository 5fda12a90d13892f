import { hash, randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import type { BucketProbe, Burst, Greeting, PartsAnswer, PublicAnswer, RoundTrip, WrongMd5Answer } from './probe-answers.js'
import { burst } from './probe-burst.js'
import type { BucketOptions } from './wasabi/bucket.js'
import { md5Header } from './wasabi/headers.js'
import { bareEtag, objectsUnder } from './wasabi/listing.js'
import { isRefusal, type Refusal } from './wasabi/refusals.js'
import { removeObjects } from './wasabi/removal.js'
import { type Call, isAnswer, Requests } from './wasabi/requests.js'
import { Sdk } from './wasabi/sdk.js'
import { bucketOptions } from './wasabi/settings.js'
import { Wire } from './wasabi/wire.js'

const TIMES = { connectMs: 3_000, idleMs: 5_000 }
/** The doctor waits for no one: what is refused once is what it tells. */
const ONCE = { tries: 1, firstMs: 1, maxMs: 1, totalMs: 1 }
const SWEEP = { tries: 3, firstMs: 100, maxMs: 500, totalMs: 2_000 }
const PROBE_BYTES = 65_536
/** Any refusal is an answer. */
const ANY = { expect: () => true }
const LISTING = { 'list-type': '2', 'max-keys': '1' }

export class WasabiProbe implements BucketProbe {
  private readonly prefix: string
  private readonly wire: Wire
  private readonly sdk: Sdk
  private readonly requests: Requests
  private readonly sweeper: Requests
  private readonly over = new AbortController()
  private readonly signal: AbortSignal
  private turn: Promise<unknown> = Promise.resolve()
  private hasPut = false
  /** An upload that is not aborted yet. */
  private begun: { readonly Bucket: string; readonly Key: string; readonly UploadId: string } | null = null

  private constructor(options: BucketOptions, signal: AbortSignal) {
    const { endpoint, bucket } = options
    this.prefix = `${options.prefix}/.feedctl-doctor-${randomBytes(6).toString('hex')}/`
    this.wire = new Wire(endpoint, TIMES)
    this.sdk = new Sdk(this.wire, options)
    const place = { host: endpoint.host, bucket }
    this.requests = new Requests(this.sdk, place, ONCE)
    this.sweeper = new Requests(this.sdk, place, SWEEP)
    this.signal = AbortSignal.any([signal, this.over.signal])
    // Each request in flight listens.
    setMaxListeners(0, this.signal)
  }

  /** @throws {Failure} CONFIG_INVALID */
  static open(config: Config, signal: AbortSignal): WasabiProbe {
    const options = bucketOptions(config)
    if (options === null) throw new Failure('CONFIG_INVALID', 'WASABI_BUCKET is not set', { hint: 'WASABI_BUCKET' })
    return new WasabiProbe(options, signal)
  }

  greet(): Promise<Greeting> {
    return this.inTurn(async () => {
      const { host, bucket } = this.requests.place
      // Loading it takes time of this machine's, not of the server's.
      await this.sdk.s3()
      const begun = Date.now()
      const { status, code, headers, serverTime } = await this.ask({ method: 'GET', object: null, query: LISTING })
      const ended = Date.now()
      const told = serverTime ?? Date.parse(headers?.date ?? '')
      const aheadMs = Number.isNaN(told) ? null : told - (begun + ended) / 2
      return { where: `${bucket} at ${host}`, status, code, aheadMs, tookMs: ended - begun }
    })
  }

  roundTrip(): Promise<RoundTrip> {
    return this.putting(async () => {
      const content = randomBytes(PROBE_BYTES)
      const md5 = hash('md5', content)
      const answer = { bytes: PROBE_BYTES, same: false, etagIsMd5: false }
      const put = await this.ask(putOf(`${this.prefix}round-trip`, content, md5))
      if (put.headers === null) return { ...answer, refusal: `PUT: ${wordsOf(put)}` }
      const got = await this.ask({ method: 'GET', object: `${this.prefix}round-trip` })
      if (got.headers === null) return { ...answer, refusal: `GET: ${wordsOf(got)}` }
      return { ...answer, refusal: null, same: content.equals(got.body), etagIsMd5: bareEtag(put.headers.etag ?? '') === md5 }
    })
  }

  wrongMd5(): Promise<WrongMd5Answer> {
    return this.putting(async () => {
      const { status, code } = await this.ask(putOf(`${this.prefix}wrong-md5`, Buffer.from('sent'), hash('md5', 'told')))
      return { status, code }
    })
  }

  parts(): Promise<PartsAnswer> {
    return this.putting(async () => {
      const object = `${this.prefix}parts`
      const content = randomBytes(PROBE_BYTES)
      const md5 = hash('md5', content)
      const target = { Bucket: this.requests.place.bucket, Key: object }
      const begun = await this.requests.ask((s3, sending) => s3.createMultipartUpload(target, sending), this.signal, ANY)
      if (isRefusal(begun)) return { refusal: `CreateMultipartUpload: ${wordsOf(begun)}`, listed: false, aborted: false }
      const upload = { ...target, UploadId: begun.UploadId ?? '' }
      this.begun = upload
      const query = { partNumber: '1', uploadId: upload.UploadId }
      const part = await this.ask({ ...putOf(object, content, md5), query })
      if (part.headers === null)
        return { refusal: `UploadPart: ${wordsOf(part)}`, listed: false, aborted: await this.abortUpload() }
      const list = await this.requests.ask((s3, sending) => s3.listParts(upload, sending), this.signal, ANY)
      const listed = !isRefusal(list) && list.Parts?.some(each => bareEtag(each.ETag ?? '') === md5) === true
      return { refusal: null, listed, aborted: await this.abortUpload() }
    })
  }

  anonymous(): Promise<PublicAnswer> {
    return this.putting(async () => {
      const object = `${this.prefix}public`
      const content = Buffer.from('may anybody read this?')
      const put = await this.ask(putOf(object, content, hash('md5', content)))
      if (put.headers === null) throw new Failure('BUCKET_REFUSED', `nothing can be put: ${wordsOf(put)}`)
      const list = await this.unsigned(`${this.requests.pathOf(null)}?list-type=2&max-keys=1`)
      return { list, read: await this.unsigned(this.requests.pathOf(object)) }
    })
  }

  bursts(levels: readonly number[], eachMs: number): Promise<Burst[]> {
    return this.putting(async () => {
      const done: Burst[] = []
      for (const inFlight of levels) {
        const prefix = `${this.prefix}burst-${inFlight}-`
        done.push(await burst(this.requests, { prefix, inFlight, ms: eachMs }, this.signal))
      }
      return done
    })
  }

  async close(): Promise<void> {
    this.over.abort(new Failure('UNAVAILABLE', 'the probe is over'))
    try {
      await this.turn.catch(() => {})
      if (this.hasPut) await this.sweep()
    } finally {
      this.wire.close()
    }
  }

  /** One at a time: none is measured beside another. */
  private inTurn<T>(deed: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(() => {
      this.signal.throwIfAborted()
      return deed()
    })
    this.turn = mine.catch(() => {})
    return mine
  }

  private putting<T>(deed: () => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      this.hasPut = true
      try {
        return await deed()
      } finally {
        if (!this.signal.aborted) await this.sweep()
      }
    })
  }

  /** Not interrupted: it is what is owed. */
  private async sweep(): Promise<void> {
    const { signal } = new AbortController()
    await this.abortUpload()
    const left: string[] = []
    for await (const { object } of objectsUnder(this.sweeper, { prefix: this.prefix, after: null, pageSize: 1_000 }, signal))
      left.push(object)
    await removeObjects(this.sweeper, left, signal)
    this.hasPut = false
  }

  /** Whether none is left. */
  private async abortUpload(): Promise<boolean> {
    const upload = this.begun
    if (upload === null) return true
    this.begun = null
    const { signal } = new AbortController()
    const answer = await this.sweeper.ask((s3, sending) => s3.abortMultipartUpload(upload, sending), signal, ANY)
    return !isRefusal(answer) || answer.code === 'NoSuchUpload'
  }

  private async ask(call: Call): Promise<Answered> {
    const answer = await this.requests.send({ ...call, expect: () => true }, this.signal)
    if (isAnswer(answer))
      return { status: answer.statusCode ?? 0, code: null, serverTime: null, headers: answer.headers, body: await buffer(answer) }
    return {
      status: answer.status,
      code: answer.code || null,
      serverTime: answer.serverTime,
      headers: null,
      body: Buffer.alloc(0),
    }
  }

  /** Whether one without keys gets it. */
  private async unsigned(path: string): Promise<boolean> {
    const request = { method: 'GET', path, headers: { host: this.requests.place.host }, body: null }
    const answer = await this.wire.send(request, this.signal)
    answer.resume()
    return answer.statusCode === 200
  }
}

interface Answered extends Pick<Refusal, 'status' | 'serverTime'> {
  readonly code: string | null
  /** Null of a refusal. */
  readonly headers: IncomingMessage['headers'] | null
  readonly body: Buffer
}

function putOf(object: string, content: Buffer, md5: string): Call {
  const headers = { 'content-type': 'application/octet-stream', 'content-md5': md5Header(md5) }
  return { method: 'PUT', object, headers, body: { content, bytes: content.length, sha256: hash('sha256', content) } }
}

function wordsOf({ status, code }: { readonly status: number; readonly code: string | null }): string {
  return !code ? `status ${status}` : `${code} (status ${status})`
}
