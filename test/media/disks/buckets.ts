import { type BucketOptions, WasabiBucket } from '../../../src/media/disks/wasabi/bucket.js'
import type { S3Place } from '../../support/s3-place.js'

export const PART_BYTES = 5 * 1024 * 1024

/** feedctl's bucket at the place; impatient, so that what fails for good fails soon. Close it. */
export function bucketAt(place: S3Place, more: Partial<BucketOptions> = {}): WasabiBucket {
  return new WasabiBucket({
    endpoint: new URL(place.endpoint),
    region: 'us-east-1',
    bucket: place.bucket,
    keys: { id: place.keyId, secret: place.secret },
    prefix: 'media',
    publicUrl: null,
    multipartFrom: PART_BYTES,
    partBytes: PART_BYTES,
    patience: { tries: 4, firstMs: 5, maxMs: 20 },
    ...more,
  })
}
