import { randomBytes } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { TestEnv } from './drivers.js'

/** A bucket of a server of the tests. */
export interface S3Place {
  /** As `http://127.0.0.1:<port>`. */
  readonly endpoint: string
  readonly bucket: string
  readonly keyId: string
  readonly secret: string
  /** The settings that lead feedctl there; FILESYSTEM_DISK is not among them. */
  readonly env: TestEnv
}

export function s3Place(where: Omit<S3Place, 'env'>): S3Place {
  const { endpoint, bucket, keyId, secret } = where
  const env = {
    WASABI_ENDPOINT: endpoint,
    WASABI_REGION: 'us-east-1',
    WASABI_BUCKET: bucket,
    WASABI_ACCESS_KEY_ID: keyId,
    WASABI_SECRET_ACCESS_KEY: secret,
  }
  return { endpoint, bucket, keyId, secret, env }
}

/** A client that is not feedctl's own: what it sees in the bucket is there. Destroy it in the end. */
export function s3Client(place: Omit<S3Place, 'env'>): S3Client {
  return new S3Client({
    endpoint: place.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: place.keyId, secretAccessKey: place.secret },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}

/** An empty bucket of the same server, with a name that nothing else has. */
export async function newBucket(place: Omit<S3Place, 'env' | 'bucket'>): Promise<S3Place> {
  const bucket = `feedctl-${randomBytes(6).toString('hex')}`
  const fresh = s3Place({ ...place, bucket })
  const client = s3Client(fresh)
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
  return fresh
}
