import type { ListObjectsV2Request, _Object as S3Object } from '@aws-sdk/client-s3'
import { Failure } from '../../../kernel/errors.js'
import type { Requests } from './requests.js'

export interface ListedObject {
  readonly object: string
  readonly bytes: number
  readonly modifiedAt: number
  readonly etag: string
}

export interface ListingOptions {
  readonly prefix: string
  /** Null: from the first. */
  readonly after: string | null
  readonly pageSize: number
}

/** Every object under the prefix, in the order of the names' bytes. @throws {Failure} for a page that fails, is cut, or does not go on from the last */
export async function* objectsUnder(
  requests: Requests,
  options: ListingOptions,
  signal: AbortSignal,
): AsyncGenerator<ListedObject> {
  let last = options.after
  let token: string | null = null
  for (;;) {
    const input: ListObjectsV2Request = {
      Bucket: requests.place.bucket,
      EncodingType: 'url',
      MaxKeys: options.pageSize,
      Prefix: options.prefix,
      ...(token !== null ? { ContinuationToken: token } : last !== null ? { StartAfter: last } : {}),
    }
    const page = await requests.ask(async (s3, sending) => pageOf(await s3.listObjectsV2(input, sending)), signal)
    for (const entry of page.Contents ?? []) {
      const found = objectOf(entry, page.EncodingType === 'url')
      if (!found.object.startsWith(options.prefix))
        throw disorder(requests, `lists ${JSON.stringify(found.object)} under another name`)
      if (last !== null && !isBefore(last, found.object)) throw disorder(requests, 'does not list its objects in order')
      last = found.object
      yield found
    }
    if (!page.IsTruncated) return
    token = page.NextContinuationToken ?? null
    if (token === null && page.Contents === undefined) throw disorder(requests, 'says that there are more objects, but not where')
  }
}

/** What names under the prefix have up to the next slash, a page at a time, in their order; names without one are left out. @throws {Failure} for a page that fails */
export async function* foldersUnder(
  requests: Requests,
  { prefix, pageSize }: Omit<ListingOptions, 'after'>,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  for (let token: string | undefined; ; ) {
    const input: ListObjectsV2Request = {
      Bucket: requests.place.bucket,
      EncodingType: 'url',
      Delimiter: '/',
      MaxKeys: pageSize,
      Prefix: prefix,
      ContinuationToken: token,
    }
    const page = await requests.ask(async (s3, sending) => pageOf(await s3.listObjectsV2(input, sending)), signal)
    const names = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => decodeName(Prefix, page.EncodingType === 'url'))
    yield names.filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length, -1))
    if (!page.IsTruncated) return
    token = page.NextContinuationToken
    if (token === undefined) throw disorder(requests, 'says that there are more objects, but not where')
  }
}

/** The page of any listing. The client takes each success for one, and what it does not find in it for nothing. @throws {Error} where it is none */
export function pageOf<T extends { readonly IsTruncated?: boolean | undefined }>(page: T): T {
  if (page.IsTruncated === undefined) throw new Error('the answer is no listing')
  return page
}

/** What `encoding-type=url` did to a name. */
function decodeName(text: string, encoded: boolean): string {
  return encoded ? decodeURIComponent(text.replaceAll('+', ' ')) : text
}

export function bareEtag(text: string): string {
  return text.replace(/^"|"$/g, '').toLowerCase()
}

function objectOf({ Key: key, Size: bytes, LastModified: modified, ETag: etag }: S3Object, encoded: boolean): ListedObject {
  return {
    object: decodeName(key ?? '', encoded),
    bytes: bytes ?? Number.NaN,
    modifiedAt: modified?.getTime() ?? Number.NaN,
    etag: bareEtag(etag ?? ''),
  }
}

function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
}

function disorder(requests: Requests, what: string): Failure {
  return new Failure('UNAVAILABLE', `the bucket ${requests.place.bucket} at ${requests.place.host} ${what}`)
}
