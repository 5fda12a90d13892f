import { availableParallelism } from 'node:os'
import type { EventLog } from './analytics/log/driver.js'
import type { JobSender } from './feeds/sync.js'
import type { SyncParts } from './feeds/sync-tenant.js'
import type { JobParts } from './jobs.js'
import type { Config } from './kernel/config.js'
import { Failure } from './kernel/errors.js'
import type { Log } from './kernel/log.js'
import type { Disks } from './media/disks/driver.js'
import type { IntakeParts } from './media/intake/parts.js'
import type { Shared } from './parts.js'
import type {
  Board,
  InlineSettings,
  JobSchedules,
  Queue,
  QueueDesk,
  RedisQueueOptions,
  Worker,
  WorkSettings,
} from './queues/index.js'
import { type Catalog, openCatalog } from './tenants/catalog.js'
import { openServer } from './tenants/databases/index.js'
import type { RemovalParts } from './tenants/removal.js'

/** Tenants in flight when jobs run in this process: enough to keep the fetch slots full while some wait for slow feeds. */
const INLINE_CONCURRENCY = 32

/** Where the jobs of a sync are sent; `settled` is about the feeds. */
export interface SyncJobs extends JobSender {
  /** Of the media that the feeds brought. */
  readonly media: {
    /** URLs that this process has tried so far. */
    tried(): number
    /** Resolves when this process has no job left of any kind; never, where others run them. */
    settled(): Promise<void>
  }
}

/** The parts of a running feedctl, each opened when it is first asked for. Closing it closes them all. */
export interface App extends AsyncDisposable {
  readonly config: Config
  readonly log: Log
  readonly catalog: Catalog
  /** Where jobs are sent. `signal`: with the in-process driver, no job is started after it aborts. */
  jobs(signal: AbortSignal, settings?: Partial<InlineSettings>): Promise<SyncJobs>
  /** Consumes queues in this process. @throws {Failure} CONFIG_INVALID where there are none, like `desk`, `board` and `schedules` */
  work(settings: WorkSettings): Promise<Worker>
  desk(): Promise<QueueDesk>
  board(): Promise<Board>
  schedules(): Promise<JobSchedules>
  /** Adds jobs of any kind. `signal` as for `jobs`. */
  queue(signal: AbortSignal): Promise<Queue>
  /** Where media is kept. @throws {Failure} CONFIG_INVALID */
  disks(): Promise<Disks>
  /** Where accepted events wait to be counted. */
  events(): Promise<EventLog>
  /** What the cache driver shares. */
  shared(): Promise<Shared>
  /** What removals of tenants need. `forgetBucket`: what is in the bucket stays there, and the bucket is not asked. */
  removal(signal: AbortSignal, options?: { readonly forgetBucket?: boolean }): Promise<RemovalParts>
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
    closing.push(() => catalog.hosts.close())
    return new RunningApp(config, log, catalog, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

/** Before anything is opened: a worker that learns it from its first job would spoil the job. @throws {Failure} CONFIG_INVALID */
export async function refuseBadFetching(config: Config): Promise<void> {
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

class RunningApp implements App {
  private parts: Promise<SyncParts> | null = null
  private ownBoard: Promise<Board> | null = null
  private ownDisks: Promise<Disks> | null = null
  private ownIntake: Promise<IntakeParts> | null = null
  private ownShared: Promise<Shared> | null = null
  private ownEvents: Promise<EventLog> | null = null
  private closedLast = 0
  private mediaTried = 0

  constructor(
    readonly config: Config,
    readonly log: Log,
    readonly catalog: Catalog,
    private readonly closing: (() => Promise<unknown>)[],
    private readonly close: () => Promise<void>,
  ) {}

  async jobs(signal: AbortSignal, settings: Partial<InlineSettings> = {}): Promise<SyncJobs> {
    const [{ syncTenantFeeds, toTenants }, queue] = await Promise.all([import('./jobs.js'), this.openQueue(signal, settings)])
    return {
      here: queue.name === 'sync',
      send: async tenants => toTenants(await queue.add(tenants.map(syncTenantFeeds))),
      consumers: async () => (await queue.consumers('sync')) || (await this.supervisors()),
      settled: async () => void (await queue.settled('sync')),
      media: { tried: () => this.mediaTried, settled: async () => void (await queue.settled()) },
    }
  }

  queue(signal: AbortSignal): Promise<Queue> {
    return this.openQueue(signal, {})
  }

  async work(settings: WorkSettings): Promise<Worker> {
    const options = await this.redisQueue()
    const [{ jobBurial, jobHandler }, { RedisQueue, startRedisWorker }] = await Promise.all([
      import('./jobs.js'),
      import('./queues/index.js'),
    ])
    const queue = this.closed(new RedisQueue(options))
    const parts = this.jobParts(this.config.parseThreads || 1, queue)
    return startRedisWorker({
      ...options,
      ...settings,
      timeoutMs: this.config.jobTimeoutS * 1000,
      quarantineAfter: this.config.quarantineAfter,
      handler: jobHandler(parts),
      bury: jobBurial(parts),
    })
  }

  async desk(): Promise<QueueDesk> {
    const options = await this.redisQueue()
    const [{ RedisDesk }, { removedTenants }] = await Promise.all([import('./queues/index.js'), import('./tenants/tenant.js')])
    return this.closed(new RedisDesk(options, ids => removedTenants(this.catalog, ids)))
  }

  async removal(signal: AbortSignal, { forgetBucket = false } = {}): Promise<RemovalParts> {
    return (await import('./parts.js')).removalParts(this, { signal, forgetBucket }, close => this.closedLate(close))
  }

  async board(): Promise<Board> {
    const { connect, prefix } = await this.redisQueue()
    const { RedisBoard } = await import('./queues/index.js')
    return this.closed(new RedisBoard(connect('producer'), prefix))
  }

  async schedules(): Promise<JobSchedules> {
    const options = await this.redisQueue()
    const { JobSchedules: Schedules } = await import('./queues/index.js')
    return this.closed(new Schedules(options))
  }

  disks(): Promise<Disks> {
    this.ownDisks ??= this.openDisks()
    return this.ownDisks
  }

  events(): Promise<EventLog> {
    this.ownEvents ??= import('./parts.js').then(({ openEventLog }) => openEventLog(this, close => this.closedLate(close)))
    return this.ownEvents
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async openDisks(): Promise<Disks> {
    const { openDisks } = await import('./media/disks/index.js')
    const disks = await openDisks(this.config)
    this.closedLate(() => Promise.all([disks.local.close(), disks.wasabi?.close()]))
    return disks
  }

  private async openQueue(signal: AbortSignal, settings: Partial<InlineSettings>): Promise<Queue> {
    const { DEFAULT_TRIES, InlineQueue, RedisQueue } = await import('./queues/index.js')
    if (this.config.queueConnection === 'redis') return this.closed(new RedisQueue(await this.redisQueue()))
    const { jobBurial, jobHandler } = await import('./jobs.js')
    const threads = this.config.parseThreads || availableParallelism()
    const queue: Queue = new InlineQueue({
      concurrency: INLINE_CONCURRENCY,
      tries: DEFAULT_TRIES,
      ...settings,
      timeoutMs: this.config.jobTimeoutS * 1000,
      handler: (name, payload, context) => jobHandler(this.jobParts(threads, queue))(name, payload, context),
      bury: (name, payload, failure) => jobBurial(this.jobParts(threads, queue))(name, payload, failure),
      log: this.log,
      signal,
      drainMs: this.config.drainMs,
    })
    return this.closed(queue)
  }

  /** Whoever has workers that died just now starts others. */
  private async supervisors(): Promise<number> {
    if (this.config.queueConnection === 'sync') return 0
    this.ownBoard ??= this.board()
    return (await (await this.ownBoard).supervisors()).length
  }

  private jobParts(threads: number, queue: Queue): JobParts {
    const { catalog, config, log } = this
    return {
      catalog,
      log,
      retention: config,
      eventRetention: config,
      mediaPolicy: config,
      disks: () => this.disks(),
      intake: () => this.intake(),
      events: () => this.events(),
      sync: () => this.sync(threads),
      chunk: config.syncChunk,
      spares: { prefix: config.databasePrefix, wanted: config.spareDatabases },
      removal: signal => this.removal(signal),
      receiptDays: config.receiptDays,
      jobTimeoutMs: config.jobTimeoutS * 1000,
      add: jobs => queue.add(jobs),
    }
  }

  /** The part, to be closed with the others. */
  private closed<T extends { close(): Promise<unknown> }>(part: T): T {
    this.closing.push(() => part.close())
    return part
  }

  private sync(threads: number): Promise<SyncParts> {
    this.parts ??= this.openSync(threads).catch(error => {
      this.parts = null
      throw error
    })
    return this.parts
  }

  private async openSync(threads: number): Promise<SyncParts> {
    const [{ openSyncParts }, shared] = await Promise.all([import('./parts.js'), this.shared()])
    return openSyncParts(this, shared, threads, close => this.closedLate(close))
  }

  private intake(): Promise<IntakeParts> {
    this.ownIntake ??= this.openIntake().catch(error => {
      this.ownIntake = null
      throw error
    })
    return this.ownIntake
  }

  private async openIntake(): Promise<IntakeParts> {
    const [{ openIntakeParts }, shared, disks] = await Promise.all([import('./parts.js'), this.shared(), this.disks()])
    const parts = await openIntakeParts(this, shared, disks, close => this.closedLate(close))
    const download: IntakeParts['download'] = (...asked) => parts.download(...asked).finally(() => this.mediaTried++)
    return { ...parts, download }
  }

  shared(): Promise<Shared> {
    this.ownShared ??= import('./parts.js').then(({ openShared }) => openShared(this, close => this.closedLate(close)))
    return this.ownShared
  }

  /** Before what it was opened with (the databases), but after the queue, whose jobs use it. */
  private closedLate(close: () => Promise<unknown>): void {
    this.closing.splice(2 + this.closedLast++, 0, close)
  }

  /** @throws {Failure} CONFIG_INVALID where jobs run in the process that adds them */
  private async redisQueue(): Promise<RedisQueueOptions> {
    const { config, log } = this
    if (config.queueConnection !== 'redis') {
      throw new Failure(
        'CONFIG_INVALID',
        'there is no queue: QUEUE_CONNECTION is sync, and jobs run in the command that begins them',
        {
          hint: 'QUEUE_CONNECTION=redis',
        },
      )
    }
    const { openRedis } = await import('./redis/connection.js')
    return { connect: purpose => openRedis(config, log, purpose), prefix: config.redisPrefix, log }
  }
}
