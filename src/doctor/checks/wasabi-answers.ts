import type { PartsAnswer, PublicAnswer, RoundTrip, WrongMd5Answer } from '../../media/disks/index.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { sizeWords } from '../words.js'
import { onBucket } from './wasabi.js'

export const wasabiChecksums: Check = {
  id: 'wasabi.checksums',
  applies: onBucket,
  blind: 'fail',
  takesTurns: true,
  run: async parts => judgeRoundTrip(await (await parts.bucket()).roundTrip()),
}

export function judgeRoundTrip({ bytes, refusal, same, etagIsMd5 }: RoundTrip): Verdict {
  if (refusal !== null)
    return fail(`a file of ${sizeWords(bytes)} is not taken: ${refusal}`, 'a key that may put, get and delete; WASABI_ENDPOINT')
  if (!same)
    return fail(`a file of ${sizeWords(bytes)} came back other than it went`, 'nothing is safe there: another WASABI_ENDPOINT')
  if (etagIsMd5) return ok(`a file of ${sizeWords(bytes)}, put with its MD5, came back to the byte`)
  return warn(
    `a file of ${sizeWords(bytes)} came back to the byte, but its etag is not its MD5: the bucket encrypts, or rewrites`,
    'feedctl media verify --full, which does not rely on etags',
  )
}

export const wasabiWrongMd5: Check = {
  id: 'wasabi.wrong-md5',
  applies: onBucket,
  takesTurns: true,
  run: async parts => judgeWrongMd5(await (await parts.bucket()).wrongMd5()),
}

export function judgeWrongMd5({ status, code }: WrongMd5Answer): Verdict {
  const answer = `${code ?? ''} ${status}`.trim()
  if (status >= 200 && status < 300)
    return warn(
      'a file is taken under the MD5 of another: what is damaged on its way is noticed by its etag only',
      'feedctl media verify --all after each migration',
    )
  if (status === 403) return warn(`cannot be told: nothing may be put (${answer})`, 'what wasabi.checksums says')
  if (status >= 500 || status === 429) return warn(`cannot be told: the server answers ${answer}`, 'feedctl doctor, again')
  return ok(`a file under the MD5 of another is refused (${answer})`)
}

export const wasabiListParts: Check = {
  id: 'wasabi.list-parts',
  applies: onBucket,
  takesTurns: true,
  run: async parts => judgeParts(await (await parts.bucket()).parts()),
}

export function judgeParts({ refusal, listed, aborted }: PartsAnswer): Verdict {
  if (refusal !== null)
    return fail(
      `files cannot be uploaded in parts: ${refusal}`,
      'a key that may do multipart uploads; FEEDCTL_MEDIA_MULTIPART_MB',
    )
  if (listed && !aborted)
    return warn(
      'an upload in parts cannot be aborted: what is given up is stored, and billed, until a rule of the bucket removes it',
      'a key that may AbortMultipartUpload, or a lifecycle rule for incomplete uploads',
    )
  if (listed) return ok('an upload in parts is begun, its part is listed, and it is aborted')
  return warn(
    'ListParts does not name a part that was uploaded: an interrupted upload of a large file begins anew',
    'FEEDCTL_MEDIA_MULTIPART_MB=5120, for uploads at once',
  )
}

export const wasabiPublicAccess: Check = {
  id: 'wasabi.public-access',
  applies: onBucket,
  takesTurns: true,
  run: async parts => judgePublic(await (await parts.bucket()).anonymous(), parts.config.wasabiUrl !== null),
}

export function judgePublic({ list, read }: PublicAnswer, hasUrl: boolean): Verdict {
  if (list)
    return fail(
      'anybody may list the bucket: every file of every tenant is found',
      "take ListBucket away from everybody in the bucket's policy and ACL",
    )
  if (!read)
    return ok(hasUrl ? 'nobody lists or reads without a key: WASABI_URL has to have one' : 'nobody lists or reads without a key')
  if (hasUrl) return ok('anybody may read a file whose name they know, as WASABI_URL needs; nobody lists')
  return warn(
    'anybody may read a file whose name they know, and WASABI_URL is not set: links are signed in vain',
    "take GetObject away from everybody in the bucket's policy and ACL, or set WASABI_URL",
  )
}
