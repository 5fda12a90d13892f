import { join } from 'node:path'
import type { EventLog } from './analytics/log/driver.js'
import type { Cache, Gates, Permits } from './caches/index.js'
import type { SyncParts } from './feeds/sync-tenant.js'
import type { Config } from './kernel/config.js'
import type { Log } from './kernel/log.js'
import type { Disks } from './media/disks/driver.js'
import type { IntakeParts } from './media/intake/parts.js'
import type { QueueDesk } from './queues/index.js'
import type { RedisConnection } from './redis/connection.js'
import type { Catalog } from './tenants/catalog.js'
import type { TenantId } from './tenants/ids.js'
import type { RemovalParts } from './tenants/removal.js'

const NEAR_CACHE_TTL_S = 300
const NEAR_CACHE_BYTES = 4 * 1024 * 1024
/** Downloads of media at the same time, over connections of their own. */
const MEDIA_CONCURRENCY = 16
const MEDIA_ACCEPT = 'image/*, audio/*;q=0.9, video/*;q=0.9, */*;q=0.8'
/** What a publisher of media must give, over its whole length. */
const SLOWEST_BYTES_PER_S = 64 * 1024
const LONGEST_DOWNLOAD_MS = 10 * 60_000

/** What the parts are made from. */
interface Ground {
  readonly config: Config
  readonly log: Log
  readonly catalog: Catalog
}

/** What the cache driver shares: documents, answers, the budgets of publishers' hosts, the rates of tenants. */
export interface Shared {
  readonly cache: Cache
  /** The part of it that other processes share; null where there is none. */
  readonly far: Cache | null
  readonly gates: Gates
  readonly permits: Permits
}

/** Told how to close what was opened. */
type Closing = (close: () => Promise<unknown>) => unknown

/** What feeds are synced with. @throws {Failure} CONFIG_INVALID */
export async function openSyncParts(
  { config, log, catalog }: Ground,
  { cache, gates }: Shared,
  threads: number,
  closing: Closing,
): Promise<SyncParts> {
  const [{ Fetcher }, { fetcherOptions }, { ParsePool }, { SharedDocuments }, { SourceChecks }] = await Promise.all([
    import('./feeds/fetch/fetcher.js'),
    import('./feeds/fetch/settings.js'),
    import('./feeds/parse/pool.js'),
    import('./feeds/documents.js'),
    import('./feeds/checks.js'),
  ])
  const parser = new ParsePool({ threads })
  const fetcher = new Fetcher(fetcherOptions(config), gates)
  closing(() => parser.close())
  closing(() => fetcher.close())
  const documents = new SharedDocuments(cache, config.documentTtlS, log)
  const parts = { catalog, fetcher, parser, documents, log, outagePatienceMs: config.outagePatienceS * 1000 }
  return { ...parts, checks: new SourceChecks(parts) }
}

/** What media is stored with. @throws {Failure} CONFIG_INVALID */
export async function openIntakeParts(
  { config, log, catalog }: Ground,
  { gates }: Shared,
  disks: Disks,
  closing: Closing,
): Promise<IntakeParts> {
  const [{ Fetcher }, { fetcherOptions }] = await Promise.all([
    import('./feeds/fetch/fetcher.js'),
    import('./feeds/fetch/settings.js'),
  ])
  const options = fetcherOptions(config)
  const concurrency = Math.min(options.concurrency, MEDIA_CONCURRENCY)
  // Of the places at a host that are shared with its feeds: those go first, and never find all of them taken by pictures.
  const perHost = Math.max(1, Math.floor(options.perHost / 2))
  const fetcher = new Fetcher({ ...options, concurrency, perHost }, gates)
  closing(() => fetcher.close())
  const download: IntakeParts['download'] = (url, sink, { maxBytes }, signal) => {
    const timeoutMs = Math.min(config.fetchTimeoutMs + (maxBytes / SLOWEST_BYTES_PER_S) * 1000, LONGEST_DOWNLOAD_MS)
    return fetcher.download(url, sink, { accept: MEDIA_ACCEPT, timeoutMs, maxBytes }, signal)
  }
  const jobTimeoutMs = config.jobTimeoutS * 1000
  return { catalog, disks, download, log, settings: config, jobTimeoutMs, spoolFolder: join(config.data, 'spool') }
}

export async function openShared({ config, log }: Ground, closing: Closing): Promise<Shared> {
  const caches = await import('./caches/index.js')
  const { FallbackGates, FallbackPermits, LayeredCache, MemoryCache, MemoryGates, MemoryPermits, RedisCache } = caches
  if (config.cacheDriver === 'memory') {
    const cache = new MemoryCache(config.cacheBytes)
    closing(() => cache.close())
    return { cache, far: null, gates: new MemoryGates(), permits: new MemoryPermits() }
  }
  // Redis holds the rest: only what several tenants want at the same moment is worth keeping near.
  const near = new MemoryCache(Math.min(config.cacheBytes, NEAR_CACHE_BYTES))
  const { openRedis } = await import('./redis/connection.js')
  const redis = openRedis(config, log, 'cache')
  const far = new RedisCache(redis, config.redisPrefix)
  const cache = new LayeredCache(near, far, NEAR_CACHE_TTL_S)
  const gates = new FallbackGates(new caches.RedisGates(redis, config.redisPrefix), new MemoryGates(), failure =>
    log.warn("hosts' budgets are not shared for now", { why: failure.message }),
  )
  const permits = new FallbackPermits(new caches.RedisPermits(redis, config.redisPrefix), new MemoryPermits(), failure =>
    log.warn('rate limits are not shared for now', { why: failure.message }),
  )
  closing(() => cache.close())
  return { cache, far, gates, permits }
}

/** What removals are done with. */
interface RemovalGround extends Ground {
  disks(): Promise<Disks>
  events(): Promise<EventLog>
  desk(): Promise<QueueDesk>
}

/** What removals need of everything else, each part opened when it is first needed. `forgetBucket`: what is in the bucket stays there, and the bucket is not asked. */
export function removalParts(
  ground: RemovalGround,
  { signal, forgetBucket }: { readonly signal: AbortSignal; readonly forgetBucket: boolean },
  closing: Closing,
): RemovalParts {
  const { config, log, catalog } = ground
  let redis: Promise<RedisConnection> | null = null
  let desk: Promise<QueueDesk> | null = null
  const openConnection = async () => {
    const { openRedis } = await import('./redis/connection.js')
    const opened = openRedis(config, log, 'producer')
    closing(async () => opened.disconnect())
    return opened
  }
  const keys = async (ids: readonly TenantId[]) => {
    redis ??= openConnection()
    const { eraseTenantKeys } = await import('./caches/index.js')
    return (await eraseTenantKeys(await redis, config.redisPrefix, new Set(ids))) as ReadonlyMap<TenantId, number>
  }
  const jobs = async (ids: readonly TenantId[]) => {
    desk ??= ground.desk()
    return (await (await desk).removeTenants(new Set(ids))) as ReadonlyMap<TenantId, number>
  }
  return {
    media: async (tenant, { hasTables }) => {
      const { removeTenantMedia } = await import('./media/remove-tenant.js')
      return removeTenantMedia({ catalog, disks: () => ground.disks(), forgetBucket, hasTables }, tenant, signal)
    },
    jobs: config.queueConnection === 'redis' ? jobs : null,
    keys: config.cacheDriver === 'redis' ? keys : null,
    events: async () => {
      const { countEvents } = await import('./analytics/count-events.js')
      const counting = { catalog, log, events: await ground.events(), rawDays: config.analyticsRawDays, isRemoval: true } as const
      await countEvents({ ...counting, acceptedBefore: Date.now() }, signal)
    },
  }
}

/** Where accepted events wait: in files where jobs run in the process that adds them, else in Redis. */
export async function openEventLog({ config, log }: Pick<Ground, 'config' | 'log'>, closing: Closing): Promise<EventLog> {
  const maxBytes = config.analyticsBacklogMb * 1024 * 1024
  const events = await (config.queueConnection === 'sync' ? openJournal() : openStream())
  closing(() => events.close())
  return events

  async function openJournal(): Promise<EventLog> {
    const { Journal } = await import('./analytics/log/journal.js')
    return new Journal({ folder: join(config.data, 'analytics'), maxBytes, log })
  }

  async function openStream(): Promise<EventLog> {
    const [{ EventStream }, { openRedis }] = await Promise.all([
      import('./analytics/log/stream.js'),
      import('./redis/connection.js'),
    ])
    return new EventStream({ redis: openRedis(config, log, 'producer'), prefix: config.redisPrefix, maxBytes, log })
  }
}
