import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import type { Source, Upload } from '../../src/media/disks/driver.js'
import type { BucketOptions, WasabiBucket } from '../../src/media/disks/wasabi/bucket.js'
import { tenantPrefix } from '../../src/media/names.js'
import type { TenantId } from '../../src/tenants/ids.js'
import { findsCephAllRight } from '../doctor/wasabi-on-ceph.js'
import { type CephGateway, startCeph } from '../support/ceph.js'
import { firstTimes, INTERNAL_ERROR, S3Faults, type SeenRequest, SLOW_DOWN } from '../support/s3-faults.js'
import { type S3Place, s3Client } from '../support/s3-place.js'
import { bucketAt, PART_BYTES } from './disks/buckets.js'
import { calm, factsOf, get, held, key, listed, namesIn, put, streamed } from './disks/bytes.js'
import { keepsTheDiskContract } from './disks/contract.js'

let ceph: CephGateway
let place: S3Place
beforeAll(async () => {
  ceph = await startCeph()
  place = await ceph.newBucket()
})
afterAll(async () => {
  await ceph?.dispose()
  if (ceph !== undefined) expect(existsSync(ceph.folder)).toBe(false)
})

keepsTheDiskContract('Ceph', async () => bucketAt(await ceph.newBucket(), { pageSize: 2 }))

async function opened(options: Partial<BucketOptions> = {}): Promise<{ faults: S3Faults; bucket: WasabiBucket }> {
  const faults = await S3Faults.before(place)
  const bucket = bucketAt(faults.place, options)
  onTestFinished(async () => {
    await bucket.close()
    await faults[Symbol.asyncDispose]()
  })
  return { faults, bucket }
}

const partsSent = (faults: S3Faults) =>
  faults.seen.flatMap(({ method, query }) => (method === 'PUT' ? [Number(query.get('partNumber'))] : [])).sort((a, b) => a - b)

describe('an upload in parts', () => {
  const bytes = randomBytes(3 * PART_BYTES + 1234)
  const facts = factsOf(bytes, 'video/mp4')
  const quiet = { begun: null, note: async () => {} }

  /** Uploads until so many parts are noted, and stops there as a kill does. Answers what the journal knows then. */
  async function killedAfter(parts: number, bucket: WasabiBucket, at: ReturnType<typeof key>): Promise<Upload> {
    const stop = new AbortController()
    const notes: Upload[] = []
    const note = async (upload: Upload) => {
      notes.push(upload)
      if (upload.parts.length >= parts) stop.abort(new Error('killed'))
    }
    await expect(bucket.upload(at, streamed(bytes), facts, { begun: null, note }, stop.signal)).rejects.toThrow('killed')
    return notes.at(-1) as Upload
  }

  test('stores the bytes, their type, and the etag that was foretold; notes each part', async () => {
    const { faults, bucket } = await opened()
    const at = key(21, 'film.mp4')
    const notes: number[] = []
    let open = 0
    let most = 0
    const source: Source = {
      ...streamed(bytes),
      open: (from, to) => {
        most = Math.max(most, ++open)
        return streamed(bytes)
          .open(from, to)
          .once('close', () => open--)
      },
    }
    const note = async (upload: Upload) => void notes.push(upload.parts.length)
    const { etag } = await bucket.upload(at, source, facts, { begun: null, note }, calm)
    expect(etag).toBe(await bucket.etagOf(streamed(bytes), facts))
    expect(etag).toMatch(/^[0-9a-f]{32}-4$/)
    expect(await bucket.stat(at, calm)).toMatchObject({ bytes: bytes.length, etag })
    expect((await listed(bucket, 21)).map(stat => stat.etag)).toEqual([etag])
    expect([notes, partsSent(faults)]).toEqual([
      [0, 1, 2, 3, 4],
      [1, 2, 3, 4],
    ])
    expect(most).toBeLessThanOrEqual(5)
    const reading = await bucket.read(at, { first: PART_BYTES - 3, last: PART_BYTES + 3 }, calm)
    const part = Buffer.concat((await reading?.stream.toArray()) ?? [])
    expect([reading?.type, part.equals(bytes.subarray(PART_BYTES - 3, PART_BYTES + 4))]).toEqual(['video/mp4', true])
  })

  test('goes on after a kill, and sends no part again that the bucket has', async () => {
    const { bucket } = await opened()
    const at = key(22, 'film.mp4')
    const begun = await killedAfter(2, bucket, at)
    const again = await opened()
    const { etag } = await again.bucket.upload(at, streamed(bytes), facts, { begun, note: async () => {} }, calm)
    expect(etag).toBe(await bucket.etagOf(streamed(bytes), facts))
    const resent = partsSent(again.faults)
    expect(resent.length).toBeLessThanOrEqual(2)
    for (const part of begun.parts) expect(resent).not.toContain(part.number)
    expect(again.faults.count('POST', seen => seen.query.has('uploads'))).toBe(0)
  })

  test('sends those parts again that are not of this file, and begins again where the upload is gone', async () => {
    const { bucket } = await opened()
    const at = key(23, 'film.mp4')
    const begun = await killedAfter(2, bucket, at)
    const other = Buffer.from(bytes)
    for (const part of begun.parts)
      other.writeUInt8(255 - other.readUInt8((part.number - 1) * PART_BYTES), (part.number - 1) * PART_BYTES)
    const again = await opened()
    await again.bucket.upload(at, streamed(other), factsOf(other), { begun, note: async () => {} }, calm)
    expect(partsSent(again.faults)).toEqual(expect.arrayContaining(begun.parts.map(part => part.number)))
    expect((await bucket.stat(at, calm))?.etag).toBe(await bucket.etagOf(held(other), factsOf(other)))
    const third = await opened()
    await third.bucket.upload(at, streamed(bytes), facts, { begun, note: async () => {} }, calm)
    expect(partsSent(third.faults)).toEqual([1, 2, 3, 4])
  })

  test.each(['MEDIA_CHANGED', 'MEDIA_CORRUPT'] as const)('is aborted for %s, and leaves nothing', async code => {
    const { bucket } = await opened()
    const at = key(24, `${code}.mp4`)
    const changing: Source = {
      ...streamed(bytes),
      open: (from, to) => {
        if (from >= 2 * PART_BYTES) throw new Failure('MEDIA_CHANGED', 'the file changed')
        return streamed(bytes).open(from, to)
      },
    }
    const upload =
      code === 'MEDIA_CHANGED'
        ? bucket.upload(at, changing, facts, quiet, calm)
        : bucket.upload(at, streamed(bytes), factsOf(Buffer.from('x')), quiet, calm)
    await expect(upload).rejects.toMatchObject({ code })
    expect([await bucket.stat(at, calm), await openUploads()]).toEqual([null, []])
  })

  test('outlives throttling, lost answers and wrong etags of its parts and of its end', async () => {
    const { faults, bucket } = await opened()
    const at = key(25, 'film.mp4')
    const plans = [
      firstTimes(2, SLOW_DOWN, seen => seen.query.get('partNumber') === '2'),
      firstTimes(1, { kind: 'wrong-etag' }, seen => seen.query.get('partNumber') === '3'),
      firstTimes(1, { kind: 'lose-answer' }, seen => seen.query.get('partNumber') === '4'),
      firstTimes(1, INTERNAL_ERROR, seen => seen.query.has('uploads')),
      firstTimes(1, { kind: 'lose-answer' }, seen => seen.method === 'POST' && seen.query.has('uploadId')),
    ]
    faults.plan = seen => plans.map(plan => plan(seen)).find(fault => fault !== null) ?? null
    const { etag } = await bucket.upload(at, streamed(bytes), facts, quiet, calm)
    expect([await bucket.stat(at, calm), partsSent(faults)]).toMatchObject([{ etag }, [1, 2, 2, 2, 3, 3, 4, 4]])
  })

  test('is aborted by who cleans up, once it is old', async () => {
    const { bucket } = await opened()
    await Promise.all([
      killedAfter(1, bucket, key(26, 'a b+\n.mp4')),
      killedAfter(1, bucket, key(26, 'b.mp4')),
      killedAfter(1, bucket, key(261, 'c.mp4')),
    ])
    const prefix = tenantPrefix(26 as TenantId)
    expect(await bucket.abortUploads(prefix, 60_000, calm)).toBe(0)
    expect([await bucket.abortUploads(prefix, -60_000, calm), await openUploads()]).toEqual([2, ['media/261/c.mp4']])
    expect(await bucket.abortUploads(tenantPrefix(261 as TenantId), -60_000, calm)).toBe(1)
  })
})

test('fails for a page that fails, after those that came', async () => {
  const { faults, bucket } = await opened({ pageSize: 2 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await put(bucket, key(31, name), name)
  const later = (seen: SeenRequest) => seen.query.has('continuation-token')
  faults.plan = seen => (later(seen) ? INTERNAL_ERROR : null)
  const seen: string[] = []
  const listing = async () => {
    for await (const stat of bucket.list(tenantPrefix(31 as TenantId), null, calm)) seen.push(stat.key)
  }
  await expect(listing()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(seen).toEqual(['31/a', '31/b'])
  faults.plan = firstTimes(2, SLOW_DOWN, later)
  expect(await namesIn(bucket, 31)).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('removes more objects than one request holds', async () => {
  const { faults, bucket } = await opened()
  await put(bucket, key(32, 'last'), 'x')
  const keys = Array.from({ length: 1001 }, (_, index) => key(32, `none-${index} & <\n>`))
  await bucket.remove([...keys, key(32, 'last'), key(32, 'control\u0001')], calm)
  expect([await namesIn(bucket, 32), faults.count('POST'), faults.count('DELETE')]).toEqual([[], 2, 1])
})

test('stores what a browser and a CDN must know, and never lets a page or an SVG run', async () => {
  const { bucket } = await opened()
  const client = s3Client(place)
  onTestFinished(() => client.destroy())
  const stored = async (name: string, type: string) => {
    const bytes = Buffer.from(name)
    await bucket.put(key(33, name), held(bytes), factsOf(bytes, type), calm)
    const head = await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: `media/33/${name}` }))
    return [head.ContentType, head.CacheControl, head.ContentDisposition]
  }
  const byContent = `ab/ab${'0'.repeat(62)}`
  expect(await stored(`${byContent}.jpg`, 'image/jpeg')).toEqual(['image/jpeg', 'public, max-age=31536000, immutable', undefined])
  expect(await stored('logo.png', 'image/png')).toEqual(['image/png', 'public, max-age=300', undefined])
  for (const type of ['image/svg+xml', 'text/html', 'application/xhtml+xml', 'application/pdf', 'text/plain']) {
    expect((await stored(`${byContent}.${type.length}`, type))[2]).toBe('attachment')
  }
})

test.each([
  'a b+c%20.png',
  'new\nline.png',
  'caf\u00e9/cafe\u0301.png',
  "!'()*&=?#.png",
  '日本.png',
])('signs a link to %j', async name => {
  const { bucket } = await opened()
  await put(bucket, key(34, name), name)
  const shown = await fetch(await bucket.linkTo(key(34, name), { ttlS: 60, download: null }))
  expect([shown.status, await shown.text(), shown.headers.get('content-disposition')]).toEqual([200, name, null])
  const saved = await fetch(await bucket.linkTo(key(34, name), { ttlS: 60, download: name }))
  expect([saved.status, saved.headers.get('content-disposition')]).toEqual([
    200,
    expect.stringMatching(/^attachment; filename\*=UTF-8''/),
  ])
  const other = (await bucket.linkTo(key(34, name), { ttlS: 60, download: null })).replace(/\/34\//, '/35/')
  expect((await fetch(other)).status).toBe(403)
})

test('ends a signed link after its seconds', async () => {
  const { bucket } = await opened()
  await put(bucket, key(34, 'soon.png'), 'x')
  const link = await bucket.linkTo(key(34, 'soon.png'), { ttlS: 5, download: null })
  expect((await fetch(link)).status).toBe(200)
  await expect.poll(async () => (await fetch(link)).status, { timeout: 30_000 }).toBe(403)
})

test('refuses wrong keys in words, without them', async () => {
  const wrong = async (keyId: string, secret: string) => {
    const bucket = bucketAt({ ...place, keyId, secret })
    onTestFinished(() => bucket.close())
    return await bucket.stat(key(1, 'a.png'), calm).catch(error => error)
  }
  const secret = `${place.secret.slice(0, -4)}zzzz`
  const refused = [await wrong(place.keyId, secret), await wrong('NOBODYNOBODYNOBODY00', secret)]
  expect(refused.map(({ code, message }) => [code, message])).toEqual([
    ['BUCKET_REFUSED', expect.stringContaining('the secret key is not that of the access key')],
    ['BUCKET_REFUSED', expect.stringContaining('does not know the access key')],
  ])
  expect(JSON.stringify(refused.map(failure => [failure, failure.stack]))).not.toContain(secret)
})

test('is all right for the doctor, who finds wrong keys and a bucket that is not there', async () => {
  await findsCephAllRight(await ceph.newBucket())
})

test('outlives a gateway that is stopped and started again', { timeout: 120_000 }, async () => {
  const { bucket } = await opened({ patience: { tries: 10_000, firstMs: 50, maxMs: 100, totalMs: 120_000 } })
  await put(bucket, key(36, 'before.png'), 'before')
  await ceph.stop()
  const storing = put(bucket, key(36, 'during.png'), 'during')
  // It may fail before the gateway is back.
  storing.catch(() => {})
  await ceph.start()
  await storing
  expect([await get(bucket, key(36, 'before.png')), await get(bucket, key(36, 'during.png'))]).toEqual(['before', 'during'])
})

async function openUploads(): Promise<string[]> {
  const client = s3Client(place)
  try {
    return (
      (await client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket }))).Uploads?.map(upload => upload.Key ?? '') ??
      []
    )
  } finally {
    client.destroy()
  }
}
