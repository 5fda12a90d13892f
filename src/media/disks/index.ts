import { join } from 'node:path'
import type { Config } from '../../kernel/config.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Bucket, Disks } from './driver.js'
import { Folder } from './local.js'
import type { BucketProbe } from './probe-answers.js'
import { endpointOf } from './wasabi/regions.js'

export type { BucketProbe, Burst, Greeting, PartsAnswer, PublicAnswer, RoundTrip, WrongMd5Answer } from './probe-answers.js'

/** The disks as the settings name them; opens no connection yet. Whoever opens them closes both. @throws {Failure} CONFIG_INVALID where the bucket or its keys are missing */
export async function openDisks(config: Config): Promise<Disks> {
  const local = new Folder(join(config.data, 'media'))
  const wasabi = await openBucket(config)
  if (config.filesystemDisk === 'local') return { local, wasabi, target: local }
  if (wasabi === null) {
    throw new Failure('CONFIG_INVALID', 'FILESYSTEM_DISK=wasabi needs WASABI_BUCKET, which is not set', {
      hint: 'set WASABI_BUCKET, or FILESYSTEM_DISK=local',
    })
  }
  return { local, wasabi, target: wasabi }
}

async function openBucket(config: Config): Promise<Bucket | null> {
  if (config.wasabiBucket === null) return null
  const [{ WasabiBucket }, { bucketOptions }] = await Promise.all([import('./wasabi/bucket.js'), import('./wasabi/settings.js')])
  const options = bucketOptions(config)
  return options === null ? null : new WasabiBucket(options)
}

/** A bucket as the settings name it, to be asked what it is like. Whoever opens it closes it. @throws {Failure} CONFIG_INVALID */
export async function openProbe(config: Config, signal: AbortSignal): Promise<BucketProbe> {
  const { WasabiProbe } = await import('./probe.js')
  return WasabiProbe.open(config, signal)
}

/** Where the bucket's server is; null for a region that Wasabi does not have. */
export function bucketEndpoint({ wasabiEndpoint, wasabiRegion }: Pick<Config, 'wasabiEndpoint' | 'wasabiRegion'>): URL | null {
  try {
    return wasabiEndpoint === null ? endpointOf(wasabiRegion) : new URL(wasabiEndpoint)
  } catch (error) {
    if (isFailure(error, 'CONFIG_INVALID')) return null
    throw error
  }
}
