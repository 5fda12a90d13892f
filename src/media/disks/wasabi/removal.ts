import { Failure } from '../../../kernel/errors.js'
import type { Requests } from './requests.js'

const PER_REQUEST = 1000
/** What XML 1.0 cannot say, however it is written. */
const UNSPEAKABLE = /[^\t\n\r\P{Cc}]|[\ufffe\uffff]/u

/** Removes objects, many with one request. With Content-MD5 and no other checksum, which Wasabi wants so. @throws {Failure} naming one that was not removed */
export async function removeObjects(requests: Requests, objects: readonly string[], signal: AbortSignal): Promise<void> {
  const single = objects.length === 1 ? objects : objects.filter(object => UNSPEAKABLE.test(object))
  const many = objects.length === 1 ? [] : objects.filter(object => !UNSPEAKABLE.test(object))
  for (const object of single) await removeOne(requests, object, signal)
  for (let next = 0; next < many.length; next += PER_REQUEST)
    await removeMany(requests, many.slice(next, next + PER_REQUEST), signal)
}

async function removeOne(requests: Requests, object: string, signal: AbortSignal): Promise<void> {
  const input = { Bucket: requests.place.bucket, Key: object }
  const expect = ({ code }: { readonly code: string }) => code === 'NoSuchKey'
  await requests.ask((s3, sending) => s3.deleteObject(input, sending), signal, { expect })
}

async function removeMany(requests: Requests, objects: readonly string[], signal: AbortSignal): Promise<void> {
  const input = { Bucket: requests.place.bucket, Delete: { Objects: objects.map(object => ({ Key: object })) } }
  const { Errors: errors = [] } = await requests.ask(async (s3, sending) => {
    const answer = await s3.deleteObjects(input, sending)
    const told = (answer.Deleted?.length ?? 0) + (answer.Errors?.length ?? 0)
    if (told !== objects.length) throw new Error(`it tells of ${told} objects of the ${objects.length} to remove`)
    return answer
  }, signal)
  const failed = errors.filter(error => error.Code !== 'NoSuchKey')
  const code = failed[0]?.Code
  if (code === undefined) return
  throw new Failure(
    code === 'AccessDenied' ? 'BUCKET_REFUSED' : 'UNAVAILABLE',
    `the bucket did not remove ${failed.length} of ${objects.length} objects: ${code}`,
  )
}
