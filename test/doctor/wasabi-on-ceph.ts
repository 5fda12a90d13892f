import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { expect } from 'vitest'
import { temporaryFolder } from '../support/folders.js'
import { type S3Place, s3Client } from '../support/s3-place.js'
import { doctor, type FindingJson } from './examined.js'

/** Looks at a bucket that is as Wasabi's: call it in a test, with an empty bucket of Ceph. */
export async function findsCephAllRight(place: S3Place): Promise<void> {
  const { of, findings, out } = await doctor({ ...place.env, FEEDCTL_DATA: temporaryFolder() })
  const ofBucket = findings.filter(({ id }) => id.startsWith('wasabi.'))
  // On a busy machine the answer may be slow, which is all that may be said of it.
  const isSlow = ({ id, severity, evidence }: FindingJson) =>
    id === 'wasabi.bucket' && severity === 'warn' && / answers in \d/.test(evidence)
  expect(ofBucket.filter(finding => finding.severity !== 'ok' && !isSlow(finding))).toEqual([])
  expect(ofBucket).toHaveLength(8)
  expect(of('wasabi.wrong-md5')?.evidence).toContain('BadDigest')
  expect(of('wasabi.list-parts')?.evidence).toContain('its part is listed')
  expect(of('wasabi.concurrency')?.evidence).toMatch(/\/s at 32.*; best --concurrency \d+/)
  expect(out).not.toContain(place.secret)
  expect(await leftIn(place)).toEqual([])

  const wrong = await doctor({ ...place.env, WASABI_SECRET_ACCESS_KEY: 'hunter2hunter2', FEEDCTL_DATA: temporaryFolder() })
  expect(wrong.exit).toBe(8)
  expect(wrong.of('wasabi.credentials')).toMatchObject({ severity: 'fail', evidence: expect.stringContaining('the secret') })
  expect(wrong.of('wasabi.checksums')).toMatchObject({
    severity: 'fail',
    evidence: 'cannot look: the bucket answers SignatureDoesNotMatch',
  })
  expect(wrong.out + wrong.err).not.toContain('hunter2')

  const elsewhere = await doctor({ ...place.env, WASABI_BUCKET: 'feedctl-nowhere', FEEDCTL_DATA: temporaryFolder() })
  expect(elsewhere.of('wasabi.credentials')?.severity).toBe('ok')
  expect(elsewhere.of('wasabi.bucket')).toMatchObject({ severity: 'fail', fix: expect.stringContaining('WASABI_BUCKET') })
}

/** Names of objects, and of uploads that were never ended. */
export async function leftIn(place: S3Place, uploads = true): Promise<(string | undefined)[]> {
  const client = s3Client(place)
  try {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: place.bucket }))
    const left = Contents.map(({ Key }) => Key)
    if (!uploads) return left
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket }))
    return [...left, ...Uploads.map(({ Key }) => Key)]
  } finally {
    client.destroy()
  }
}
