import { createHash } from 'node:crypto'
import type { ListMultipartUploadsRequest, S3 } from '@aws-sdk/client-s3'
import { Failure, isFailure } from '../../../kernel/errors.js'
import type { ObjectFacts, Source, Upload, UploadedPart } from '../driver.js'
import { md5Header } from './headers.js'
import { bareEtag, pageOf } from './listing.js'
import { joinedEtag, md5OfPart, type Part, type PartPlan, partsOf } from './parts.js'
import { isRefusal } from './refusals.js'
import { isAnswer, type Requests } from './requests.js'
import { UNSIGNED } from './sdk.js'
import type { Sending } from './sdk-client.js'

/** Joining the parts of a large file takes the bucket a while. */
const JOIN_IDLE_MS = 300_000

export interface UploadTask {
  readonly requests: Requests
  readonly target: { readonly object: string; readonly headers: Record<string, string> }
  readonly source: Source
  readonly facts: ObjectFacts
  readonly plan: PartPlan
  readonly begun: Upload | null
  readonly note: (upload: Upload) => Promise<void>
}

/** As `upload` of the bucket promises. The file is read twice, side by side: to hash it, and to send what the bucket does not have yet. */
export async function uploadInParts(task: UploadTask, signal: AbortSignal): Promise<{ readonly etag: string }> {
  const kept = task.begun === null ? null : await partsThatAreThere(task, task.begun.id, signal)
  const id = kept === null || task.begun === null ? await begin(task, signal) : task.begun.id
  const run = new UploadRun(task, id, kept ?? new Map())
  try {
    if (kept === null) await run.note()
    const md5s = await run.sendAll(signal)
    return await join(task, id, md5s, signal)
  } catch (error) {
    // What was sent is of a file that is not there any more.
    if (isFailure(error, 'MEDIA_CHANGED') || isFailure(error, 'MEDIA_CORRUPT'))
      await abortUpload(task.requests, task.target.object, id, signal)
    throw error
  }
}

class UploadRun {
  private readonly done = new Map<number, UploadedPart>()
  private noting: Promise<void> = Promise.resolve()

  constructor(
    private readonly task: UploadTask,
    private readonly id: string,
    private readonly kept: ReadonlyMap<number, UploadedPart>,
  ) {}

  /** One at a time, each with all that is done by then. */
  note(): Promise<void> {
    this.noting = this.noting.then(() => {
      const parts = [...this.done.values()].sort((a, b) => a.number - b.number)
      return this.task.note({ id: this.id, parts })
    })
    return this.noting
  }

  /** MD5s of all parts, in order. @throws {Failure} MEDIA_CORRUPT where the bytes are not those of the facts */
  async sendAll(signal: AbortSignal): Promise<string[]> {
    const { source, facts, plan } = this.task
    const whole = createHash('md5')
    const md5s: string[] = []
    const flying = new Set<Promise<void>>()
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    try {
      for (const part of partsOf(source.bytes, plan)) {
        both.throwIfAborted()
        const md5 = await md5OfPart(source, part, whole)
        md5s.push(md5)
        const flight = this.sendPart(part, md5, both).finally(() => flying.delete(flight))
        flight.catch(error => stop.abort(error))
        flying.add(flight)
        if (flying.size >= plan.inFlight) await Promise.race(flying)
      }
      await Promise.all(flying)
    } catch (error) {
      stop.abort(error)
      await Promise.allSettled(flying)
      throw stop.signal.reason
    }
    const md5 = whole.digest('hex')
    if (md5 !== facts.md5) throw new Failure('MEDIA_CORRUPT', `the bytes to upload have the MD5 ${md5}, not ${facts.md5}`)
    return md5s
  }

  private async sendPart(part: Part, md5: string, signal: AbortSignal): Promise<void> {
    const { requests, source, target } = this.task
    const bytes = part.to - part.from
    const kept = this.kept.get(part.number)
    if (kept?.etag !== md5 || kept.bytes !== bytes) {
      const answer = await requests.send(
        {
          method: 'PUT',
          object: target.object,
          query: { partNumber: String(part.number), uploadId: this.id },
          headers: { 'content-md5': md5Header(md5) },
          // The MD5 says it already: another hash of every byte would cost more than all the rest.
          body: { content: { bytes, open: () => source.open(part.from, part.to) }, bytes, sha256: UNSIGNED },
          check: ({ headers }) => {
            const etag = bareEtag(headers.etag ?? '')
            return etag === md5 ? null : `the bucket says that it stored part ${part.number} as ${etag || 'nothing'}, not ${md5}`
          },
        },
        signal,
      )
      if (isAnswer(answer)) answer.resume()
    }
    this.done.set(part.number, { number: part.number, bytes, etag: md5 })
    await this.note()
  }
}

async function begin({ requests, target }: UploadTask, signal: AbortSignal): Promise<string> {
  const { headers } = target
  const input = {
    ...placeOf(requests, target.object),
    ContentType: headers['content-type'],
    CacheControl: headers['cache-control'],
    ContentDisposition: headers['content-disposition'],
  }
  const { UploadId: id = '' } = await requests.ask((s3, sending) => s3.createMultipartUpload(input, sending), signal)
  if (id === '') throw new Failure('UNAVAILABLE', 'the bucket began an upload, and did not say which')
  return id
}

function placeOf({ place }: Requests, object: string): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: place.bucket, Key: object }
}

/** Whether it says that there is no such upload; Ceph says no such key. */
function isGone({ code }: { readonly code: string }): boolean {
  return code === 'NoSuchUpload' || code === 'NoSuchKey'
}

/** Null when the upload is not there any more. */
async function partsThatAreThere(task: UploadTask, id: string, signal: AbortSignal): Promise<Map<number, UploadedPart> | null> {
  const { requests, target } = task
  const found = new Map<number, UploadedPart>()
  let after = '0'
  for (;;) {
    const input = { ...placeOf(requests, target.object), UploadId: id, PartNumberMarker: after }
    const list = async (s3: S3, sending: Sending) => pageOf(await s3.listParts(input, sending))
    const page = await requests.ask(list, signal, { expect: isGone })
    if (isRefusal(page)) return null
    for (const { PartNumber: number = 0, Size: bytes = 0, ETag: etag = '' } of page.Parts ?? [])
      found.set(number, { number, bytes, etag: bareEtag(etag) })
    if (!page.IsTruncated) return found
    const next = page.NextPartNumberMarker ?? ''
    if (!(Number(next) > Number(after)))
      throw new Failure('UNAVAILABLE', 'the bucket says that there are more parts, but not which')
    after = next
  }
}

async function join(
  task: UploadTask,
  id: string,
  md5s: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly etag: string }> {
  const { requests, target } = task
  const etag = joinedEtag(md5s)
  const parts = md5s.map((md5, index) => ({ PartNumber: index + 1, ETag: `"${md5}"` }))
  const input = { ...placeOf(requests, target.object), UploadId: id, MultipartUpload: { Parts: parts } }
  const result = await requests.ask((s3, sending) => s3.completeMultipartUpload(input, sending), signal, {
    idleMs: JOIN_IDLE_MS,
    expect: isGone,
  })
  // An attempt of which the answer was lost has joined the parts already; Ceph leaves the etag out.
  const joined = isRefusal(result) ? '' : bareEtag(result.ETag ?? '')
  const told = joined === '' ? await etagOfObject(requests, target.object, signal) : joined
  if (told === etag) return { etag }
  if (told === null) throw new Failure('UNAVAILABLE', 'the bucket did not join the parts of the upload')
  throw new Failure('MEDIA_CORRUPT', `the bucket says that it joined the parts to ${told}, not ${etag}`)
}

async function etagOfObject(requests: Requests, object: string, signal: AbortSignal): Promise<string | null> {
  const answer = await requests.send({ method: 'HEAD', object, expect: refusal => refusal.status === 404 }, signal)
  if (!isAnswer(answer)) return null
  answer.resume()
  return bareEtag(answer.headers.etag ?? '')
}

async function abortUpload(requests: Requests, object: string, id: string, signal: AbortSignal): Promise<void> {
  const input = { ...placeOf(requests, object), UploadId: id }
  const expect = ({ status }: { readonly status: number }) => status === 404
  await requests.ask((s3, sending) => s3.abortMultipartUpload(input, sending), signal, { expect })
}

/** Answers how many there were. `before`: epoch ms. */
export async function abortUploadsUnder(
  requests: Requests,
  prefix: string,
  before: number,
  signal: AbortSignal,
): Promise<number> {
  let aborted = 0
  let marker: Pick<ListMultipartUploadsRequest, 'KeyMarker' | 'UploadIdMarker'> = {}
  for (;;) {
    // Not encoded: Ceph would encode some of the names, and not say which.
    const input = { Bucket: requests.place.bucket, Prefix: prefix, ...marker }
    const list = async (s3: S3, sending: Sending) => pageOf(await s3.listMultipartUploads(input, sending))
    const page = await requests.ask(list, signal)
    for (const { Key: object = '', UploadId: id, Initiated: begun } of page.Uploads ?? []) {
      if (id === undefined || begun === undefined || !object.startsWith(prefix) || begun.getTime() > before) continue
      await abortUpload(requests, object, id, signal)
      aborted++
    }
    if (!page.IsTruncated) return aborted
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
    if (!marker.KeyMarker) throw new Failure('UNAVAILABLE', 'the bucket says that there are more uploads, but not which')
  }
}
