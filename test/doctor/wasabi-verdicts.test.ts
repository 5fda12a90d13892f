import { describe, expect, it } from 'vitest'
import { judgeLocalSpace, judgeMigration } from '../../src/doctor/checks/media.js'
import { judgeBucket, judgeBucketClock, judgeCredentials, onBucket } from '../../src/doctor/checks/wasabi.js'
import { judgeParts, judgePublic, judgeRoundTrip, judgeWrongMd5 } from '../../src/doctor/checks/wasabi-answers.js'
import { judgeBursts } from '../../src/doctor/checks/wasabi-concurrency.js'
import type { MediaFacts } from '../../src/doctor/media-facts.js'
import { loadConfig } from '../../src/kernel/config.js'
import type { Greeting } from '../../src/media/disks/index.js'
import { judges } from './judges.js'

const MINUTE = 60_000
const DAY = 86_400_000
const NOW = 1e12
const greeting = (changes: Partial<Greeting>): Greeting => ({
  ...{ where: 'media at s3', status: 200, code: null, aheadMs: 0, tookMs: 20 },
  ...changes,
})
const refused = (status: number, code: string | null = null) => greeting({ status, code })

describe('what is found of the bucket', () => {
  judges([
    [() => judgeCredentials(greeting({})), 'ok', 'knows the key'],
    [() => judgeCredentials(refused(403, 'InvalidAccessKeyId')), 'fail', 'does not know the key of WASABI_ACCESS_KEY_ID'],
    [() => judgeCredentials(refused(403, 'SignatureDoesNotMatch')), 'fail', 'not that of the key'],
    [
      () => judgeCredentials(refused(403, 'RequestTimeTooSkewed')),
      'fail',
      'cannot be told: the server refuses requests of this time',
    ],
    [() => judgeCredentials(refused(403, 'AccessDenied')), 'fail', 'may not list the bucket (AccessDenied)'],
    [() => judgeCredentials(refused(404, 'NoSuchBucket')), 'ok', 'its signature fits'],
    [() => judgeBucket(greeting({})), 'ok', 'media at s3 answers in 20 ms'],
    [() => judgeBucket(greeting({ tookMs: 2_500 })), 'warn', 'answers in 2.5 s'],
    [() => judgeBucket(refused(404, 'NoSuchBucket')), 'fail', 'there is no bucket at media at s3 (NoSuchBucket 404)'],
    [() => judgeBucket(refused(301, 'PermanentRedirect')), 'fail', 'another region'],
    [() => judgeBucket(refused(400, 'AuthorizationHeaderMalformed')), 'fail', 'another region'],
    [() => judgeBucket(refused(503, 'SlowDown')), 'fail', 'answers SlowDown 503'],
    [() => judgeBucket(refused(403)), 'fail', 'answers 403'],
    [() => judgeBucket(refused(405)), 'fail', 'no S3 server'],
    [() => judgeBucketClock(greeting({ aheadMs: 2 * MINUTE })), 'ok', 'agree to two minutes'],
    [() => judgeBucketClock(greeting({ aheadMs: 2 * MINUTE + 1_020 })), 'warn', '2 min ahead of this machine'],
    [() => judgeBucketClock(greeting({ aheadMs: -3 * MINUTE, tookMs: 2 * MINUTE })), 'ok', 'agree'],
    [() => judgeBucketClock(greeting({ aheadMs: -16 * MINUTE })), 'fail', '16 min behind this machine: it refuses'],
    [() => judgeBucketClock(greeting({ aheadMs: null })), 'warn', 'does not tell its time'],
  ])

  const trip = { bytes: 65_536, refusal: null, same: true, etagIsMd5: true }
  const parts = { refusal: null, listed: true, aborted: true }
  judges([
    [() => judgeRoundTrip(trip), 'ok', '66 kB, put with its MD5, came back to the byte'],
    [() => judgeRoundTrip({ ...trip, etagIsMd5: false }), 'warn', 'its etag is not its MD5'],
    [() => judgeRoundTrip({ ...trip, same: false }), 'fail', 'came back other than it went'],
    [() => judgeRoundTrip({ ...trip, refusal: 'PUT: AccessDenied (status 403)' }), 'fail', 'is not taken: PUT: AccessDenied'],
    [() => judgeWrongMd5({ status: 400, code: 'BadDigest' }), 'ok', 'is refused (BadDigest 400)'],
    [() => judgeWrongMd5({ status: 200, code: null }), 'warn', 'noticed by its etag only'],
    [() => judgeWrongMd5({ status: 403, code: 'AccessDenied' }), 'warn', 'cannot be told: nothing may be put'],
    [() => judgeWrongMd5({ status: 503, code: 'SlowDown' }), 'warn', 'cannot be told: the server answers SlowDown 503'],
    [() => judgeParts(parts), 'ok', 'its part is listed'],
    [() => judgeParts({ ...parts, listed: false }), 'warn', 'an interrupted upload of a large file begins anew'],
    [() => judgeParts({ ...parts, aborted: false }), 'warn', 'cannot be aborted'],
    [
      () => judgeParts({ ...parts, refusal: 'UploadPart: status 501', listed: false }),
      'fail',
      'in parts: UploadPart: status 501',
    ],
    [() => judgePublic({ list: false, read: false }, false), 'ok', 'nobody lists or reads without a key'],
    [() => judgePublic({ list: false, read: false }, true), 'ok', 'WASABI_URL has to have one'],
    [() => judgePublic({ list: false, read: true }, true), 'ok', 'as WASABI_URL needs'],
    [() => judgePublic({ list: false, read: true }, false), 'warn', 'links are signed in vain'],
    [() => judgePublic({ list: true, read: true }, true), 'fail', 'anybody may list the bucket'],
  ])

  const burst = (inFlight: number, perS: number, throttled = 0, failed = 0) => ({ inFlight, perS, throttled, failed })
  judges([
    [() => judgeBursts([burst(4, 100), burst(8, 190), burst(16, 300), burst(32, 320)]), 'ok', 'best --concurrency 16'],
    [() => judgeBursts([burst(4, 100), burst(8, 101), burst(16, 99), burst(32, 50)]), 'ok', 'best --concurrency 4'],
    [() => judgeBursts([burst(4, 100), burst(8, 200), burst(16, 400, 3)]), 'ok', 'throttled at 16; best --concurrency 8'],
    [() => judgeBursts([burst(4, 10, 5), burst(8, 10, 0, 9)]), 'warn', 'refused even a few at a time: 10/s at 4'],
  ])
})

const FACTS: MediaFacts = {
  ...{ tenants: 2, more: false, files: 100, waiting: 0, failed: 0, failure: null, uploading: 0, uploadingSince: null },
  ...{ overdue: 0, overdueSince: null, doubled: 0, doubledBytes: 0, localReadAt: null },
  links: { waitingSince: null, stored: 0, failed: 0, failure: null },
}
const facts = (changes: Partial<MediaFacts>): MediaFacts => ({ ...FACTS, ...changes })

describe('what is found of the media', () => {
  judges([
    [() => judgeMigration(FACTS, NOW), 'ok', '100 files, none waits for the bucket'],
    [() => judgeMigration(facts({ waiting: 7, more: true }), NOW), 'ok', '100 files of the first 2 tenants, 7 wait'],
    [
      () => judgeMigration(facts({ failed: 3, failure: 'MEDIA_UNREADABLE' }), NOW),
      'warn',
      '3 files failed, most with MEDIA_UNREADABLE',
    ],
    [() => judgeMigration(facts({ uploading: 2, uploadingSince: NOW - MINUTE }), NOW), 'ok', '100 files'],
    [() => judgeMigration(facts({ uploading: 2, uploadingSince: NOW - 3 * DAY }), NOW), 'warn', 'the oldest 3 d ago'],
    [() => judgeMigration(facts({ overdue: 1, overdueSince: NOW - DAY }), NOW), 'ok', '100 files'],
    [
      () => judgeMigration(facts({ overdue: 1, overdueSince: NOW - 5 * DAY }), NOW),
      'warn',
      '1 local copy to be removed since 5 d',
    ],
    [() => judgeLocalSpace(FACTS, 0.5, NOW), 'ok', 'no local copy of what the bucket keeps'],
    [() => judgeLocalSpace(facts({ doubled: 9, doubledBytes: 18e11 }), 0.5, NOW), 'ok', '1800.0 GB of local copies'],
    [
      () => judgeLocalSpace(facts({ doubled: 9, doubledBytes: 5e9 }), 0.05, NOW),
      'warn',
      'never read there; 5 % of the disk free',
    ],
  ])

  it('is to be removed where nobody reads it, and first left alone where somebody does', () => {
    const copies = facts({ doubled: 9, doubledBytes: 5e9 })
    const fixAfter = (ms: number) => judgeLocalSpace({ ...copies, localReadAt: NOW - ms }, 0.05, NOW).fix
    expect(fixAfter(4 * DAY)).toContain('--delete-local')
    expect(fixAfter(DAY)).toContain('FILESYSTEM_DISK=wasabi')
  })
})

describe('a bucket is looked at', () => {
  const applies = (env: Record<string, string>) => onBucket(loadConfig({ env, envFile: '/nowhere', envFileNamed: false }).config)
  it.each([
    [{}, false],
    [{ WASABI_BUCKET: 'b' }, true],
    [{ FILESYSTEM_DISK: 'wasabi' }, true],
  ])('where the settings are %j: %s', (env, expected) => expect(applies(env)).toBe(expected))
})
