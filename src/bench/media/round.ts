import { join } from 'node:path'
import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { openDisks } from '../../media/disks/index.js'
import { type MediaKey, mediaKey, tenantPrefix } from '../../media/names.js'
import { parseSlug, parseTenantName, type TenantId } from '../../tenants/ids.js'
import { createTenants } from '../../tenants/provision.js'
import { listTenants } from '../../tenants/tenant.js'
import type { Place } from '../sync/place.js'
import type { Watcher } from '../sync/watcher.js'
import { type Copying, runMigration, runRclone } from './copying.js'
import { dealFiles, type MadeFile } from './files.js'

const TENANTS = 4

/** One round: both programs did the same files. */
export interface MediaRound {
  readonly feedctl: Copying
  /** Null where there is no rclone. */
  readonly rclone: Copying | null
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

export interface RoundParts {
  readonly place: Place
  /** Where the files are, and what they are. */
  readonly made: { readonly folder: string; readonly files: readonly MadeFile[] }
  readonly transfers: number
  /** Null: there is none. */
  readonly rclone: string | null
  /** Whether rclone is the first of this round. */
  readonly rcloneFirst: boolean
  readonly watcher: Watcher
  readonly signal: AbortSignal
}

type Dealt = ReadonlyMap<TenantId, readonly MadeFile[]>

/** Brings the files to the bucket by feedctl and by rclone, each under a prefix of its own that is emptied again. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function runRound(parts: RoundParts): Promise<MediaRound> {
  const { place, made, signal } = parts
  await place.prepare()
  const media = join(place.config.data, 'media')
  const dealt = await dealFiles(made.folder, media, made.files, await makeTenants(place, signal))
  const faults: string[] = []
  const ofFeedctl = async () => {
    const copying = await runMigration(place, line => parts.watcher.note(line), signal)
    if (copying.migrated !== made.files.length) faults.push(`files migrated: ${copying.migrated} instead of ${made.files.length}`)
    faults.push(...(await faultsIn('feedctl', place.config, dealt, signal)))
    return copying
  }
  const ofRclone = async () => {
    if (parts.rclone === null) return null
    const config = { ...place.config, mediaPrefix: `${place.config.mediaPrefix}-rclone` }
    const deed = { folder: media, prefix: config.mediaPrefix, transfers: parts.transfers, config, env: place.env }
    try {
      const copying = await runRclone(deed, signal)
      faults.push(...(await faultsIn('rclone', config, dealt, signal)))
      return copying
    } finally {
      await emptied(config, dealt)
    }
  }
  try {
    if (!parts.rcloneFirst)
      return { feedctl: await ofFeedctl(), rclone: await emptied(place.config, dealt).then(ofRclone), faults }
    const rclone = await ofRclone()
    return { feedctl: await ofFeedctl(), rclone, faults }
  } finally {
    await emptied(place.config, dealt)
  }
}

async function makeTenants(place: Place, signal: AbortSignal): Promise<TenantId[]> {
  return place.withCatalog(async catalog => {
    const { placement } = place.config
    const slugs = Array.from({ length: TENANTS }, (_, n) => `m${n + 1}`)
    const wanted = slugs.map(slug => ({ slug: parseSlug(slug), name: parseTenantName(slug), placement }))
    const { failures } = await createTenants(catalog, place.config.databasePrefix, wanted, { signal })
    const [failure] = failures
    if (failure !== undefined) throw new Failure('PARTIAL', `tenants could not be created: ${failure.message}`)
    return (await listTenants(catalog, { limit: TENANTS })).tenants.map(({ id }) => id)
  })
}

/** What is wrong with what lies in the bucket: every file has to be there, to the byte, and nothing else. */
async function faultsIn(who: string, config: Config, dealt: Dealt, signal: AbortSignal): Promise<string[]> {
  return withBucket(config, async bucket => {
    let [right, wrong] = [0, 0]
    for (const [tenant, files] of dealt) {
      const wanted = new Map<MediaKey, MadeFile>(files.map(file => [mediaKey(tenant, file.name), file]))
      for await (const { key, bytes, etag } of bucket.list(tenantPrefix(tenant), null, signal)) {
        const file = wanted.get(key)
        if (file !== undefined && file.bytes === bytes && file.md5 === etag) right += 1
        else wrong += 1
      }
    }
    const whole = [...dealt.values()].reduce((sum, files) => sum + files.length, 0)
    const missing = right === whole ? [] : [`objects of ${who}: ${right} as their files instead of ${whole}`]
    return wrong === 0 ? missing : [...missing, `objects of ${who} that are not as their files: ${wrong}`]
  })
}

/** Removes what is under the prefix of these settings. Not interrupted: it is the way out of an interruption. */
function emptied(config: Config, dealt: Dealt): Promise<void> {
  const { signal } = new AbortController()
  return withBucket(config, async bucket => {
    for (const tenant of dealt.keys()) {
      const keys: MediaKey[] = []
      for await (const { key } of bucket.list(tenantPrefix(tenant), null, signal)) keys.push(key)
      await bucket.remove(keys, signal)
    }
  })
}

type OpenBucket = NonNullable<Awaited<ReturnType<typeof openDisks>>['wasabi']>

async function withBucket<T>(config: Config, deed: (bucket: OpenBucket) => Promise<T>): Promise<T> {
  const { local, wasabi } = await openDisks(config)
  try {
    if (wasabi === null) throw new Failure('CONFIG_INVALID', 'there is no bucket', { hint: 'WASABI_BUCKET' })
    return await deed(wasabi)
  } finally {
    await Promise.all([local.close(), wasabi?.close()])
  }
}
