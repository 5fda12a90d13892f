import type { Config } from '../../../kernel/config.js'
import { Failure } from '../../../kernel/errors.js'
import type { BucketOptions } from './bucket.js'
import { endpointOf } from './regions.js'

const MEBIBYTE = 1024 * 1024

/** The bucket that the settings name; null without one. @throws {Failure} CONFIG_INVALID where its keys are missing, or no such region is known */
export function bucketOptions(config: Config): BucketOptions | null {
  const { wasabiBucket: bucket, wasabiAccessKeyId: id, wasabiSecretAccessKey: secret, wasabiRegion: region } = config
  if (bucket === null) return null
  const missing = [...(id === null ? ['WASABI_ACCESS_KEY_ID'] : []), ...(secret === null ? ['WASABI_SECRET_ACCESS_KEY'] : [])]
  if (id === null || secret === null) {
    throw new Failure('CONFIG_INVALID', `the bucket ${bucket} needs ${missing.join(' and ')}`, {
      hint: `set ${missing.join(' and ')}`,
    })
  }
  return {
    endpoint: config.wasabiEndpoint === null ? endpointOf(region) : new URL(config.wasabiEndpoint),
    region,
    bucket,
    keys: { id, secret },
    prefix: config.mediaPrefix,
    publicUrl: config.wasabiUrl,
    multipartFrom: config.mediaMultipartMb * MEBIBYTE,
    partBytes: config.mediaPartMb * MEBIBYTE,
  }
}
