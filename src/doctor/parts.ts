import type { EventLog } from '../analytics/log/driver.js'
import type { Config } from '../kernel/config.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Disks } from '../media/disks/driver.js'
import type { BucketProbe, Greeting } from '../media/disks/index.js'
import type { Board, FailedJob, QueueDesk, RedisQueueOptions, WorkerCard } from '../queues/index.js'
import { openRedis, type RedisConnection } from '../redis/connection.js'
import type { Catalog } from '../tenants/catalog.js'
import type { DatabaseServer } from '../tenants/databases/index.js'
import type { Hosts } from '../tenants/hosts/hosts.js'
import type { HostStanding } from '../tenants/hosts/standing.js'
import { type CatalogState, lookAtCatalog } from './catalog-state.js'
import { type MediaFacts, readMediaFacts } from './media-facts.js'
import { type MysqlFacts, readMysqlFacts } from './mysql-facts.js'
import { type NodeFacts, readNodes } from './redis-facts.js'

/** Failed jobs that are looked at: enough to know that there are many. */
const MOST_FAILED = 2_000

export interface Surroundings {
  readonly config: Config
  readonly log: Log
  /** What should begin by itself: ids of its entries. */
  readonly schedule: readonly string[]
  /** When the feedctl of this machine was installed, epoch ms. */
  readonly installedAt: number
  readonly signal: AbortSignal
}

/** Jobs that failed for good, of those that were looked at. */
export interface Failures {
  readonly failed: readonly FailedJob[]
  readonly quarantined: readonly FailedJob[]
  /** There are more of them. */
  readonly more: boolean
}

/** What checks look at, each part opened when it is first asked for, and once. Every refusal is a Failure of the one who asks. */
export class Parts implements AsyncDisposable {
  private readonly opened = new Map<string, Promise<unknown>>()
  private readonly closing: (() => unknown)[] = []
  private hosts: Hosts | null = null

  constructor(private readonly around: Surroundings) {}

  get config(): Config {
    return this.around.config
  }

  get schedule(): readonly string[] {
    return this.around.schedule
  }

  get installedAt(): number {
    return this.around.installedAt
  }

  get signal(): AbortSignal {
    return this.around.signal
  }

  get log(): Log {
    return this.around.log
  }

  server(): Promise<DatabaseServer> {
    return this.once('server', async () => {
      const { openServer } = await import('../tenants/databases/index.js')
      const server = await openServer(this.config)
      // Until the catalog tells how many this process may have.
      server.connections?.bound(1)
      this.closing.push(async () => {
        await this.hosts?.close()
        await server.close()
      })
      return server
    })
  }

  mysql(): Promise<MysqlFacts> {
    return this.once('mysql', async () => readMysqlFacts(await this.server(), this.config))
  }

  /** How the catalog stands; makes and changes nothing. */
  catalogState(): Promise<CatalogState> {
    return this.once('state', async () => lookAtCatalog(await this.server(), this.config))
  }

  /** Null where the first command makes it. @throws {Failure} SCHEMA_MISSING when it is missing or behind otherwise */
  catalog(): Promise<Catalog | null> {
    return this.once('catalog', async () => {
      const { openCurrentCatalog } = await import('./catalog-state.js')
      const catalog = await openCurrentCatalog(await this.server(), this.config, await this.catalogState())
      this.hosts = catalog?.hosts ?? null
      return catalog
    })
  }

  /** Every database host; null without a catalog. */
  hostStandings(): Promise<readonly HostStanding[] | null> {
    return this.once('hosts', async () => {
      const [catalog, { hostStandings }] = await Promise.all([this.catalog(), import('../tenants/hosts/standing.js')])
      return catalog === null ? null : hostStandings(catalog, this.config)
    })
  }

  redis(): Promise<RedisConnection> {
    return this.once('redis', async () => this.connect('producer'))
  }

  redisNodes(): Promise<readonly NodeFacts[]> {
    return this.once('nodes', async () => readNodes(await this.redis()))
  }

  desk(): Promise<QueueDesk> {
    return this.once('desk', async () => {
      const { RedisDesk } = await import('../queues/index.js')
      const desk = new RedisDesk(this.queueOptions)
      this.closing.push(() => desk.close())
      return desk
    })
  }

  board(): Promise<Board> {
    return this.once('board', async () => {
      const { RedisBoard } = await import('../queues/index.js')
      const board = new RedisBoard(this.queueOptions.connect('producer'), this.config.redisPrefix)
      this.closing.push(() => board.close())
      return board
    })
  }

  /** Where accepted events wait. */
  events(): Promise<EventLog> {
    return this.once('events', async () => {
      const { openEventLog } = await import('../parts.js')
      return openEventLog(this.around, close => this.closing.push(close))
    })
  }

  workers(): Promise<readonly WorkerCard[]> {
    return this.once('workers', async () => (await this.board()).workers())
  }

  failures(): Promise<Failures> {
    return this.once('failures', async () => {
      const [failed, quarantined]: [FailedJob[], FailedJob[]] = [[], []]
      const desk = await this.desk()
      for await (const job of desk.failed()) {
        if (failed.length === MOST_FAILED) return { failed, quarantined, more: true }
        ;(job.quarantined ? quarantined : failed).push(job)
      }
      return { failed, quarantined, more: false }
    })
  }

  /** How media stands; null where there is none. */
  media(): Promise<MediaFacts | null> {
    return this.once('media', async () => {
      const catalog = await this.catalog()
      return catalog === null ? null : readMediaFacts(catalog, Date.now(), this.signal)
    })
  }

  /** The disks of media; `wasabi` null where no bucket is set. @throws {Failure} CONFIG_INVALID */
  disks(): Promise<Disks> {
    return this.once('disks', async () => {
      const { openDisks } = await import('../media/disks/index.js')
      const disks = await openDisks(this.config)
      this.closing.push(() => Promise.all([disks.local.close(), disks.wasabi?.close()]))
      return disks
    })
  }

  /** How the bucket answers when it is asked the least. Without it nothing else is asked. @throws {Failure} UNAVAILABLE, CONFIG_INVALID */
  bucketGreeting(): Promise<Greeting> {
    return this.once('greeting', async () => (await this.probe()).greet())
  }

  /** A bucket that takes our keys. @throws {Failure} UNAVAILABLE, CONFIG_INVALID, BUCKET_REFUSED */
  bucket(): Promise<BucketProbe> {
    return this.once('bucket', async () => {
      const { status, code } = await this.bucketGreeting()
      if (status !== 200) throw new Failure('BUCKET_REFUSED', `the bucket answers ${code ?? status}`)
      return this.probe()
    })
  }

  get queueOptions(): RedisQueueOptions {
    const { config, log } = this.around
    return { connect: purpose => openRedis(config, log, purpose), prefix: config.redisPrefix, log }
  }

  /** Never throws, and waits for no server that does not answer. */
  async [Symbol.asyncDispose](): Promise<void> {
    const parts = this.closing
      .splice(0)
      .map(close => Promise.resolve(close()).catch(error => this.log.debug('closing', { why: wordsOf(error) })))
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>(resolve => {
      timer = setTimeout(resolve, 2_000)
    })
    await Promise.race([Promise.all(parts), patience])
    clearTimeout(timer)
  }

  private connect(purpose: 'producer'): RedisConnection {
    const redis = openRedis(this.config, this.log, purpose)
    this.closing.push(() => redis.disconnect())
    return redis
  }

  private probe(): Promise<BucketProbe> {
    return this.once('probe', async () => {
      const { openProbe } = await import('../media/disks/index.js')
      const probe = await openProbe(this.config, this.signal)
      this.closing.push(() => probe.close())
      return probe
    })
  }

  private once<T>(name: string, open: () => Promise<T>): Promise<T> {
    const known = this.opened.get(name)
    if (known !== undefined) return known as Promise<T>
    const opening = open()
    this.opened.set(name, opening)
    return opening
  }
}
