import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import type { RequestOutcome } from '../../../src/media/disks/driver.js'
import type { BucketOptions, WasabiBucket } from '../../../src/media/disks/wasabi/bucket.js'
import { type S3Server, startS3 } from '../../support/s3.js'
import {
  atRate,
  DROPPED,
  firstTimes,
  INTERNAL_ERROR,
  RATE_LIMITED,
  type S3Fault,
  S3Faults,
  type SeenRequest,
  SLOW_DOWN,
} from '../../support/s3-faults.js'
import { bucketAt } from './buckets.js'
import { calm, factsOf, failing, get, held, key, namesIn, put, streamed } from './bytes.js'

const SECRET = 'S3RVER'
let server: S3Server
beforeAll(async () => {
  server = await startS3()
})
afterAll(() => server?.[Symbol.asyncDispose]())

async function opened(options: Partial<BucketOptions> = {}): Promise<{ faults: S3Faults; bucket: WasabiBucket }> {
  const faults = await S3Faults.before(server)
  const bucket = bucketAt(faults.place, options)
  onTestFinished(async () => {
    await bucket.close()
    await faults[Symbol.asyncDispose]()
  })
  return { faults, bucket }
}

const isPut = (seen: SeenRequest) => seen.method === 'PUT'
const outage = (bucket: WasabiBucket) => {
  const kinds: RequestOutcome['kind'][] = []
  bucket.watch(outcome => kinds.push(outcome.kind))
  return kinds
}

describe('a bucket on a bad day', () => {
  test.each([
    ['503 SlowDown', SLOW_DOWN, 'throttled'],
    ['400 RequestRateLimitExceeded', RATE_LIMITED, 'throttled'],
    ['500 InternalError', INTERNAL_ERROR, 'failed'],
    ['dropped connections', DROPPED, 'failed'],
    ['lost answers', { kind: 'lose-answer' } as S3Fault, 'failed'],
    ['wrong ETags', { kind: 'wrong-etag' } as S3Fault, 'failed'],
  ] as const)('stores all files in a storm of %s, and tells who watches', async (_name, fault, kind) => {
    const { faults, bucket } = await opened({ patience: { tries: 12, firstMs: 2, maxMs: 20 } })
    const kinds = outage(bucket)
    faults.plan = atRate(0.4, fault)
    const names = Array.from({ length: 30 }, (_, index) => `${index + 100}.png`)
    const bytes = (name: string) => Buffer.from(`${name} in ${kind}`)
    await Promise.all(
      names.map((name, index) =>
        bucket.put(key(5, name), index % 2 === 0 ? held(bytes(name)) : streamed(bytes(name)), factsOf(bytes(name)), calm),
      ),
    )
    expect([kinds.filter(each => each === 'ok').length, kinds.filter(each => each === kind).length > 5]).toEqual([30, true])
    faults.plan = null
    expect(await namesIn(bucket, 5)).toEqual(names)
    expect(await get(bucket, key(5, '129.png'))).toBe(`129.png in ${kind}`)
  })

  test('opens a streamed source again for each attempt, and one that fails once only', async () => {
    const { faults, bucket } = await opened()
    const bytes = Buffer.alloc(200_000, 'x')
    const source = streamed(bytes)
    faults.plan = firstTimes(2, { kind: 'lose-answer' }, isPut)
    await bucket.put(key(6, 'a.png'), source, factsOf(bytes), calm)
    expect(source.opened).toEqual([1, 2, 3].map(() => ({ from: 0, to: 200_000 })))
    const changed = failing(bytes, new Failure('MEDIA_CHANGED', 'the file changed'))
    const before = faults.count('PUT')
    await expect(bucket.put(key(6, 'b.png'), changed, factsOf(bytes), calm)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' })
    expect(faults.count('PUT') - before).toBeLessThanOrEqual(1)
    for (const bytesNow of [100_000, 300_000]) {
      const source = {
        ...streamed(Buffer.alloc(bytesNow, 'x')),
        bytes: 200_000,
        open: () => streamed(Buffer.alloc(bytesNow)).open(0, bytesNow),
      }
      await expect(bucket.put(key(6, 'b.png'), source, factsOf(bytes), calm)).rejects.toMatchObject({ code: 'MEDIA_CHANGED' })
    }
    await put(bucket, key(6, 'c.png'), 'the connections are good still')
  })

  test('gives up after its tries, with words that name the place and no key', async () => {
    const { faults, bucket } = await opened()
    faults.plan = () => SLOW_DOWN
    const refused = await put(bucket, key(6, 'c.png'), 'x').catch(error => error)
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('answers SlowDown (status 503) again and again'),
    })
    expect(faults.count('PUT')).toBe(4)
    faults.down = true
    for (const deed of [
      () => put(bucket, key(6, 'c.png'), 'x'),
      () => bucket.stat(key(6, 'c.png'), calm),
      () => bucket.read(key(6, 'c.png'), null, calm),
      () => namesIn(bucket, 6),
      () => bucket.remove([key(6, 'c.png')], calm),
      () => bucket.remove([key(6, 'c.png'), key(6, 'd.png')], calm),
    ]) {
      const failure = await deed().catch(error => error)
      expect(failure).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('cannot be reached') })
    }
    await faults[Symbol.asyncDispose]()
    await expect(bucket.stat(key(6, 'c.png'), calm)).rejects.toThrow('ECONNREFUSED')
  })

  test('takes an ETag that stays wrong for what it is', async () => {
    const { faults, bucket } = await opened()
    faults.plan = () => ({ kind: 'wrong-etag' })
    await expect(put(bucket, key(6, 'a.png'), 'x')).rejects.toMatchObject({
      code: 'MEDIA_CORRUPT',
      message: expect.stringContaining('stored 00000000000000000000000000000000, not'),
    })
  })

  test('ends the stream of an answer that is cut with a failure, whole or range', async () => {
    const { faults, bucket } = await opened()
    await put(bucket, key(7, 'a.png'), 'x'.repeat(100_000))
    faults.plan = firstTimes(2, { kind: 'truncate', bytes: 40_000 })
    for (const range of [null, { first: 10, last: 90_000 }]) {
      const reading = await bucket.read(key(7, 'a.png'), range, calm)
      const failure = await (reading === null ? null : buffer(reading.stream).catch(error => error))
      expect(failure).toMatchObject({ code: expect.stringMatching(/^(UNAVAILABLE|MEDIA_CORRUPT)$/) })
    }
    expect((await get(bucket, key(7, 'a.png')))?.length).toBe(100_000)
  })

  test('asks again for a listing that is cut or is none, and never takes it for a short one', async () => {
    const { faults, bucket } = await opened()
    for (const name of ['a', 'b', 'c']) await put(bucket, key(8, name), name)
    const isList = (seen: SeenRequest) => seen.method === 'GET'
    faults.plan = firstTimes(2, { kind: 'truncate', bytes: 300 }, isList)
    expect(await namesIn(bucket, 8)).toEqual(['a', 'b', 'c'])
    for (const fault of [{ kind: 'truncate', bytes: 300 }, INTERNAL_ERROR, SLOW_DOWN, DROPPED] as const) {
      faults.plan = () => fault
      await expect(namesIn(bucket, 8)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    }
  })

  test('does not wait for ever: neither for an answer nor after its signal', async () => {
    const { faults, bucket } = await opened({ times: { idleMs: 80 } })
    faults.plan = () => ({ kind: 'delay', ms: 600 })
    const started = performance.now()
    await expect(bucket.stat(key(9, 'a.png'), calm)).rejects.toThrow('no answer for 0.08 s')
    expect(performance.now() - started).toBeLessThan(10_000)
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('it is over')), 20)
    await expect(bucket.stat(key(9, 'a.png'), stop.signal)).rejects.toThrow('it is over')
  })

  test('does not take a bucket that is not there for one without the object', async () => {
    const lost = bucketAt({ ...server, bucket: 'not-there' })
    onTestFinished(() => lost.close())
    const refusal = { code: 'BUCKET_NOT_FOUND', message: expect.stringContaining('has no bucket not-there') }
    await expect(lost.stat(key(1, 'a.png'), calm)).rejects.toMatchObject(refusal)
    await expect(lost.read(key(1, 'a.png'), null, calm)).rejects.toMatchObject(refusal)
    await expect(namesIn(lost, 1)).rejects.toMatchObject(refusal)
    await expect(put(lost, key(1, 'a.png'), 'x')).rejects.toMatchObject(refusal)
  })
})

test.each([
  [403, 'InvalidAccessKeyId', 'BUCKET_REFUSED', 'does not know the access key'],
  [403, 'SignatureDoesNotMatch', 'BUCKET_REFUSED', 'secret key is not that of the access key'],
  [403, 'RequestTimeTooSkewed', 'BUCKET_REFUSED', 'the clock of this machine is'],
  [403, 'AccessDenied', 'BUCKET_REFUSED', 'may not do this'],
  [301, 'PermanentRedirect', 'BUCKET_REFUSED', 'in another region'],
  [400, 'AuthorizationHeaderMalformed', 'BUCKET_REFUSED', 'in another region'],
  [403, 'QuotaExceeded', 'BUCKET_REFUSED', 'it is full'],
  [404, 'NoSuchBucket', 'BUCKET_NOT_FOUND', 'has no bucket'],
  [400, 'BadDigest', 'MEDIA_CORRUPT', 'other bytes'],
] as const)('says in words what %i %s means, once, also where HEAD is answered', async (status, code, failure, words) => {
  const { faults, bucket } = await opened()
  faults.plan = () => ({ kind: 'status', status, code })
  const refused = await put(bucket, key(1, 'a.png'), 'x').catch(error => error)
  expect([refused.code, refused.message, faults.seen.length]).toEqual([failure, expect.stringContaining(words), 1])
  expect(JSON.stringify([refused, refused.stack, String(refused.cause)])).not.toContain(SECRET)
  if (failure === 'MEDIA_CORRUPT') return
  const head = await bucket.stat(key(1, 'a.png'), calm).catch(error => error)
  expect([head.code, head.message]).toEqual([failure, expect.stringContaining(words)])
})
