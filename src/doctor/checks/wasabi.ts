import type { Config } from '../../kernel/config.js'
import type { Greeting } from '../../media/disks/index.js'
import { type Check, fail, ok, type Verdict, warn } from '../check.js'
import { timeWords } from '../words.js'

const SKEW_WARN_MS = 120_000
/** S3 refuses requests that are older, or newer, than this. */
const SKEW_FAIL_MS = 900_000
/** An answer to so small a question that takes longer tells of a network, or a server, that will make uploads slow. */
const SLOW_MS = 2_000

/** Codes of S3 of a key that is not known, and of a secret that is not its own. */
const UNKNOWN_KEY = new Set(['InvalidAccessKeyId', 'InvalidToken', 'ExpiredToken'])
const WRONG_SECRET = new Set(['SignatureDoesNotMatch'])
const MOVED = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])
const TIME_OFF = new Set(['RequestTimeTooSkewed', 'RequestExpired'])

export const onBucket = (config: Config): boolean => config.wasabiBucket !== null || config.filesystemDisk === 'wasabi'

export const wasabiCredentials: Check = {
  id: 'wasabi.credentials',
  applies: onBucket,
  blind: 'fail',
  run: async parts => judgeCredentials(await parts.bucketGreeting()),
}

export function judgeCredentials({ status, code }: Greeting): Verdict {
  if (code !== null && UNKNOWN_KEY.has(code))
    return fail(`the server does not know the key of WASABI_ACCESS_KEY_ID (${code})`, 'WASABI_ACCESS_KEY_ID, of this endpoint')
  if (code !== null && WRONG_SECRET.has(code))
    return fail('the secret is not that of the key: the signature is refused', 'WASABI_SECRET_ACCESS_KEY, and WASABI_REGION')
  if (code !== null && TIME_OFF.has(code))
    return fail('cannot be told: the server refuses requests of this time', 'synchronise the clock of this machine')
  if (status === 403 || status === 401)
    return fail(`the key may not list the bucket (${code ?? status})`, 'a policy of the key that allows ListBucket')
  return ok('the server knows the key, and its signature fits')
}

export const wasabiBucket: Check = {
  id: 'wasabi.bucket',
  applies: onBucket,
  blind: 'fail',
  run: async parts => judgeBucket(await parts.bucketGreeting()),
}

export function judgeBucket({ where, status, code, tookMs }: Greeting): Verdict {
  const answer = `${code ?? ''} ${status}`.trim()
  if (code === 'NoSuchBucket' || status === 404)
    return fail(`there is no bucket at ${where} (${answer})`, 'WASABI_BUCKET, and WASABI_REGION where it was made')
  if ((status >= 300 && status < 400) || (code !== null && MOVED.has(code)))
    return fail(`the bucket is in another region: ${where} answers ${answer}`, 'WASABI_REGION, or WASABI_ENDPOINT, of the bucket')
  if (status >= 500 || status === 429)
    return fail(`${where} answers ${answer}`, 'later; status.wasabi.com tells of outages of Wasabi')
  if (status === 403 || status === 401) return fail(`${where} answers ${answer}`, 'what wasabi.credentials says')
  if (status !== 200) return fail(`${where} answers ${answer}: no S3 server`, 'WASABI_ENDPOINT')
  const evidence = `${where} answers in ${timeWords(Math.ceil(tookMs))}`
  return tookMs > SLOW_MS ? warn(evidence, 'the region that is nearest to this machine') : ok(evidence)
}

export const wasabiClock: Check = {
  id: 'wasabi.clock-skew',
  applies: onBucket,
  run: async parts => judgeBucketClock(await parts.bucketGreeting()),
}

/** The header tells whole seconds, and the answer took its time: so far a difference is none. */
export function judgeBucketClock({ aheadMs, tookMs }: Greeting): Verdict {
  if (aheadMs === null) return warn('the server does not tell its time', 'a date +%s here, beside that of another machine')
  const offMs = Math.max(0, Math.abs(aheadMs) - 1_000 - tookMs)
  if (offMs < SKEW_WARN_MS) return ok('the server and this machine agree to two minutes')
  const evidence = `the server is ${timeWords(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine`
  const fix = 'synchronise the clock, with chrony or systemd-timesyncd'
  return offMs >= SKEW_FAIL_MS ? fail(`${evidence}: it refuses what comes from 15 min away`, fix) : warn(evidence, fix)
}
