import { Failure } from '../../../kernel/errors.js'
import { nearest } from '../../../kernel/nearest.js'

/** Wasabi's regions, as https://docs.wasabi.com/docs/what-are-the-service-urls-for-wasabis-different-storage-regions lists them. */
export const REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-central-1',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'eu-central-1',
  'eu-central-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'eu-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-southeast-1',
  'ap-southeast-2',
] as const

/** Where the region's buckets are. @throws {Failure} CONFIG_INVALID for a region that Wasabi does not have */
export function endpointOf(region: string): URL {
  if (region === 'us-east-1') return new URL('https://s3.wasabisys.com')
  if (REGIONS.some(known => known === region)) return new URL(`https://s3.${region}.wasabisys.com`)
  const near = nearest(region, REGIONS)
  const words = near === null ? `it is one of ${REGIONS.join(', ')}` : `did you mean ${near}?`
  throw new Failure('CONFIG_INVALID', `WASABI_REGION: Wasabi has no region ${region}; ${words}`, {
    hint:
      near === null
        ? 'set WASABI_REGION, or WASABI_ENDPOINT for a region that is new'
        : `WASABI_REGION=${near}, or set WASABI_ENDPOINT`,
  })
}
