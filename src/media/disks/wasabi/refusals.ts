import type { IncomingMessage } from 'node:http'
import { Failure } from '../../../kernel/errors.js'

/** What a bucket answered that is no success. */
export interface Refusal {
  readonly status: number
  /** The error's code; '' where the answer has none, as one to HEAD. */
  readonly code: string
  /** Of the server, epoch ms; null when it does not tell. */
  readonly serverTime: number | null
}

/** What a command of the client rejects with, when it is refused. */
export class RefusedError extends Error {
  constructor(readonly refusal: Refusal) {
    super(`status ${refusal.status}`)
  }
}

export function isSuccess({ statusCode = 0 }: Pick<IncomingMessage, 'statusCode'>): boolean {
  return statusCode >= 200 && statusCode < 300
}

export function isRefusal(result: object): result is Refusal {
  return 'serverTime' in result
}

const THROTTLED =
  /^(SlowDown|RequestRateLimitExceeded|TooManyRequests|Throttl\w*|ServiceUnavailable|BandwidthLimitExceeded|RequestLimitExceeded|Busy)$/
const BRIEF = /^(RequestTimeout|InternalError|OperationAborted|ConcurrentModification|IncompleteBody|PartialWrite)$/
const CORRUPT = /^(BadDigest|InvalidDigest|XAmzContentSHA256Mismatch|InvalidPart|InvalidPartOrder|EntityTooSmall)$/

/** `throttled` and `failed` may go well when tried again, `final` may not. */
export type Verdict = 'throttled' | 'failed' | 'final'

export function verdictOf(refusal: Refusal): Verdict {
  if (THROTTLED.test(refusal.code) || refusal.status === 503 || refusal.status === 429) return 'throttled'
  if (refusal.status >= 500 || refusal.status === 408 || BRIEF.test(refusal.code)) return 'failed'
  return 'final'
}

/** The words never hold a key or a signature: what the bucket says is not repeated but for its code. */
export function failureOf(refusal: Refusal, place: { readonly bucket: string; readonly host: string }, now: number): Failure {
  const { status, code } = refusal
  const said = code === '' ? `status ${status}` : `${code} (status ${status})`
  if (verdictOf(refusal) !== 'final') {
    const hint = 'the same later, or with less concurrency'
    return new Failure('UNAVAILABLE', `${place.host} answers ${said} again and again`, { hint })
  }
  if (code === 'NoSuchBucket') {
    return new Failure('BUCKET_NOT_FOUND', `${place.host} has no bucket ${place.bucket}`, {
      hint: 'check WASABI_BUCKET and WASABI_REGION',
    })
  }
  if (code === 'NoSuchUpload') return new Failure('UNAVAILABLE', 'the upload that was begun is gone', { hint: 'the same again' })
  if (CORRUPT.test(code)) return new Failure('MEDIA_CORRUPT', `the bucket was told of other bytes than it was sent: ${said}`)
  const [why, hint] = reasonOf(refusal, now)
  return new Failure(
    'BUCKET_REFUSED',
    `the bucket ${place.bucket} at ${place.host} refuses: ${said}${why === '' ? '' : `: ${why}`}`,
    { hint },
  )
}

function reasonOf({ status, code, serverTime }: Refusal, now: number): [string, string] {
  switch (code) {
    case 'InvalidAccessKeyId':
      return [
        'it does not know the access key',
        'check WASABI_ACCESS_KEY_ID, and that WASABI_REGION or WASABI_ENDPOINT is the one of the key',
      ]
    case 'SignatureDoesNotMatch':
      return [
        'the secret key is not that of the access key',
        'check WASABI_SECRET_ACCESS_KEY, also for spaces and cut characters',
      ]
    case 'RequestTimeTooSkewed':
    case 'RequestExpired':
      return [skewWords(serverTime, now), 'set the clock of this machine: timedatectl set-ntp true']
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'TemporaryRedirect':
    case 'IllegalLocationConstraintException':
      return ['it is in another region', 'check WASABI_REGION and WASABI_ENDPOINT']
  }
  if (status >= 300 && status < 400) return ['it is in another region', 'check WASABI_REGION and WASABI_ENDPOINT']
  if (code === 'QuotaExceeded') return ['it is full', 'raise the quota of the bucket or of its owner']
  if (status === 401 || status === 403) {
    return ['the access key may not do this', 'check the keys and that their policy allows to list, read, write and delete']
  }
  return ['', 'feedctl doctor']
}

function skewWords(serverTime: number | null, now: number): string {
  if (serverTime === null) return 'the clock of this machine is wrong'
  const minutes = Math.round(Math.abs(now - serverTime) / 60_000)
  return `the clock of this machine is ${minutes} min ${now > serverTime ? 'fast' : 'slow'}`
}
