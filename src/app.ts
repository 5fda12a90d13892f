import { availableParallelism } from 'node:os'
import type { Redis } from 'ioredis'
import type { Cache, Gates } from './caches/index.js'
import type { JobSender } from './feeds/sync.js'
import type { SyncParts } from './feeds/sync-tenant.js'
import type { Config } from './kernel/config.js'
import type { Log } from './kernel/log.js'
import type { Queue, RedisQueueOptions, Worker } from './queues/index.js'
import { type Catalog, openCatalog } from './tenants/catalog.js'
import { openServer } from './tenants/databases/index.js'

const NEAR_CACHE_TTL_S = 300
const NEAR_CACHE_BYTES = 4 * 1024 * 1024
const REDIS_PATIENCE_MS = 5_000
/** Tenants in flight when jobs run in this process: enough to keep the fetch slots full while some wait for slow feeds. */
const INLINE_CONCURRENCY = 32

export interface WorkSettings {
  readonly concurrency: number
  readonly tries: number
  readonly maxJobs: number | null
}

/** The parts of a running feedctl, each opened when it is first asked for. Closing it closes them all. */
export interface App extends AsyncDisposable {
  readonly config: Config
  readonly log: Log
  readonly catalog: Catalog
  /** Where jobs are sent. `signal`: with the in-process driver, no job is started after it aborts. */
  jobs(signal: AbortSignal, settings?: Partial<WorkSettings>): Promise<JobSender>
  /** Consumes the sync queue in this process. */
  work(settings: WorkSettings): Promise<Worker>
}

/** @throws {Failure} SCHEMA_MISSING, UNAVAILABLE, CONFIG_INVALID */
export async function openApp(config: Config, log: Log): Promise<App> {
  await refuseBadFetching(config)
  const server = await openServer(config)
  const closing: (() => Promise<unknown>)[] = [() => server.close()]
  const close = async () => {
    for (const part of closing.splice(0).reverse()) await part().catch(error => log.warn('closing', { why: String(error) }))
  }
  try {
    const catalog = await openCatalog(server, config)
    return new RunningApp(config, log, catalog, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

/** Before anything is opened: a worker that learns it from its first job would spoil the job. */
async function refuseBadFetching(config: Config): Promise<void> {
  if (config.fetchAllow.length > 0) {
    const { createAddressGuard } = await import('./feeds/fetch/addresses.js')
    createAddressGuard(config.fetchAllow)
  }
  const { fetcherOptions } = await import('./feeds/fetch/settings.js')
  fetcherOptions(config)
  if (config.fetchProxy !== null) {
    const { parseProxy } = await import('./feeds/fetch/route.js')
    parseProxy(config.fetchProxy)
  }
}

/** Redis as the settings lead to it, for one deed; gives up after seconds. */
export async function withRedis<T>(config: Config, log: Log, deed: (redis: Redis) => Promise<T>): Promise<T> {
  const { Redis: RedisClient } = await import('ioredis')
  const redis = openRedis(RedisClient, config, log, 'producer')
  try {
    return await deed(redis)
  } finally {
    redis.disconnect()
  }
}

class RunningApp implements App {
  private parts: Promise<SyncParts> | null = null

  constructor(
    readonly config: Config,
    readonly log: Log,
    readonly catalog: Catalog,
    private readonly closing: (() => Promise<unknown>)[],
    private readonly close: () => Promise<void>,
  ) {}

  async jobs(signal: AbortSignal, settings: Partial<WorkSettings> = {}): Promise<JobSender> {
    const [{ syncTenantFeeds }, queue] = await Promise.all([import('./jobs.js'), this.openQueue(signal, settings)])
    this.closing.push(() => queue.close())
    return {
      here: queue.name === 'sync',
      send: tenants => queue.add(tenants.map(syncTenantFeeds)),
      consumers: () => queue.consumers(),
      settled: () => queue.settled(),
    }
  }

  async work(settings: WorkSettings): Promise<Worker> {
    const [{ jobHandler }, { startRedisWorker }] = await Promise.all([import('./jobs.js'), import('./queues/index.js')])
    const handler = jobHandler({ catalog: this.catalog, sync: () => this.sync(this.config.parseThreads || 1) })
    return startRedisWorker({ ...(await this.redisQueue()), ...settings, handler })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async openQueue(signal: AbortSignal, settings: Partial<WorkSettings>): Promise<Queue> {
    const { DEFAULT_TRIES, InlineQueue, RedisQueue } = await import('./queues/index.js')
    if (this.config.queueConnection === 'redis') return new RedisQueue(await this.redisQueue())
    const { jobHandler } = await import('./jobs.js')
    const threads = this.config.parseThreads || availableParallelism()
    return new InlineQueue({
      concurrency: settings.concurrency ?? INLINE_CONCURRENCY,
      tries: settings.tries ?? DEFAULT_TRIES,
      handler: jobHandler({ catalog: this.catalog, sync: () => this.sync(threads) }),
      log: this.log,
      signal,
      drainMs: this.config.drainMs,
    })
  }

  private sync(threads: number): Promise<SyncParts> {
    this.parts ??= this.openSync(threads).catch(error => {
      this.parts = null
      throw error
    })
    return this.parts
  }

  private async openSync(threads: number): Promise<SyncParts> {
    const { config, log, catalog } = this
    const [{ Fetcher }, { fetcherOptions }, { ParsePool }, { SharedDocuments }, { SourceChecks }] = await Promise.all([
      import('./feeds/fetch/fetcher.js'),
      import('./feeds/fetch/settings.js'),
      import('./feeds/parse/pool.js'),
      import('./feeds/documents.js'),
      import('./feeds/checks.js'),
    ])
    const parser = new ParsePool({ threads })
    const { cache, gates, close } = await openCaches(config, log)
    const fetcher = new Fetcher(fetcherOptions(config), gates)
    // Right after the server: closed after the queue, whose jobs use them.
    this.closing.splice(
      1,
      0,
      close,
      () => parser.close(),
      () => fetcher.close(),
    )
    const documents = new SharedDocuments(cache, config.documentTtlS, log)
    const parts = { catalog, fetcher, parser, documents, log, outagePatienceMs: config.outagePatienceS * 1000 }
    return { ...parts, checks: new SourceChecks(parts) }
  }

  private async redisQueue(): Promise<RedisQueueOptions> {
    const { config, log } = this
    const { Redis: RedisClient } = await import('ioredis')
    return { connect: purpose => openRedis(RedisClient, config, log, purpose), prefix: config.redisPrefix, queue: 'sync', log }
  }
}

/** What the cache driver shares: documents, and the budgets of publishers' hosts. */
async function openCaches(config: Config, log: Log): Promise<{ cache: Cache; gates: Gates; close: () => Promise<void> }> {
  const { FallbackGates, LayeredCache, MemoryCache, MemoryGates, RedisCache, RedisGates } = await import('./caches/index.js')
  if (config.cacheDriver === 'memory') {
    const cache = new MemoryCache(config.cacheBytes)
    return { cache, gates: new MemoryGates(), close: () => cache.close() }
  }
  // Redis holds the rest: only what several tenants want at the same moment is worth keeping near.
  const near = new MemoryCache(Math.min(config.cacheBytes, NEAR_CACHE_BYTES))
  const { Redis: RedisClient } = await import('ioredis')
  const redis = openRedis(RedisClient, config, log, 'cache')
  const cache = new LayeredCache(near, new RedisCache(redis, config.redisPrefix), NEAR_CACHE_TTL_S)
  const gates = new FallbackGates(new RedisGates(redis, config.redisPrefix), new MemoryGates(), failure =>
    log.warn("hosts' budgets are not shared for now", { why: failure.message }),
  )
  return { cache, gates, close: () => cache.close() }
}

/** A worker's connection waits for Redis without end; the others give up, so that their caller can say so. */
function openRedis(client: typeof Redis, config: Config, log: Log, purpose: 'worker' | 'producer' | 'cache'): Redis {
  const patience =
    purpose === 'worker'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 1, commandTimeout: REDIS_PATIENCE_MS, connectTimeout: REDIS_PATIENCE_MS }
  const options = { ...patience, retryStrategy: (attempt: number) => Math.min(2_000, attempt * 100) }
  const password = config.redisPassword === null ? {} : { password: config.redisPassword }
  const redis =
    config.redisUrl === null
      ? new client({ ...options, ...password, host: config.redisHost, port: config.redisPort })
      : new client(config.redisUrl, { ...options, ...(/:[^/@]*@/.test(config.redisUrl) ? {} : password) })
  redis.on('error', error => log.debug('redis', { purpose, why: error.message }))
  return redis
}
