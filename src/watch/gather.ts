import type { App } from '../app.js'
import type { Clock } from '../kernel/clock.js'
import { Failure, isFailure } from '../kernel/errors.js'
import type { Board, QueueCounts, QueueDesk, SupervisorCard, WorkerCard } from '../queues/index.js'
import { standingAlerts } from './alert-rows.js'
import { Kept } from './kept.js'
import type { Overview, QueueOverview, SourceStanding, TenantStandings } from './overview.js'
import { countsOfRuns, standingOf } from './queue-standings.js'
import { type RunFacts, RunReader, runStanding } from './runs.js'
import { readSources } from './sources.js'
import { readTenants } from './tenants.js'

const SOURCES_KEPT_MS = 30_000
const TENANTS_KEPT_MS = 2_000

/** Looks at an installation, again and again. It is closed with the app. @throws {Failure} UNAVAILABLE from every call; QueuesAway where it is Redis */
export interface Watch {
  overview(): Promise<Overview>
  /** What of it is read fast. */
  queues(): Promise<QueueOverview>
}

/** Redis does not answer; the catalog may, or may not. */
export class QueuesAway extends Failure {
  constructor(cause: Failure) {
    super(cause.code, cause.message, { cause, ...(cause.hint === null ? {} : { hint: cause.hint }) })
  }
}

/** Connects to Redis where jobs are sent there, and reads nothing yet. */
export async function openWatch(app: App, now: Clock = Date.now): Promise<Watch> {
  if (app.config.queueConnection === 'sync') return new AppWatch(app, now, null)
  return new AppWatch(app, now, { desk: await app.desk(), board: await app.board() })
}

/** What Redis tells. */
interface Live {
  readonly counts: readonly QueueCounts[]
  readonly workers: readonly WorkerCard[]
  readonly supervisors: readonly SupervisorCard[]
}

class AppWatch implements Watch {
  private readonly tenants: Kept<TenantStandings>
  private readonly sources: Kept<SourceStanding>
  private readonly runs: Kept<readonly RunFacts[]>
  private syncedAt: number | null = null

  constructor(
    private readonly app: App,
    private readonly now: Clock,
    private readonly redis: { readonly desk: QueueDesk; readonly board: Board } | null,
  ) {
    const { catalog } = app
    const reader = new RunReader(catalog)
    this.tenants = new Kept(at => readTenants(catalog, at), TENANTS_KEPT_MS, now)
    this.sources = new Kept(at => readSources(catalog, at), SOURCES_KEPT_MS, now)
    this.runs = new Kept(at => reader.newest(at), 0, now)
  }

  async overview(): Promise<Overview> {
    const [queues, slow] = await bothOf(this.queues(), Promise.all([this.readTenants(), this.sources.get()]))
    return { ...queues, tenants: slow[0], sources: slow[1] }
  }

  async queues(): Promise<QueueOverview> {
    const at = this.now()
    const [live, rows] = await bothOf(this.readLive(), Promise.all([this.runs.get(), standingAlerts(this.app.catalog)]))
    const [runs, alerts] = rows
    const { counts, workers, supervisors } = live ?? (await this.readEmbedded(runs, at))
    const queues = standingOf(counts, workers)
    const driver = this.redis === null ? 'sync' : 'redis'
    return { at, driver, queues, workers, supervisors, run: runStanding(runs, at), alerts }
  }

  /** Null where there is no Redis. */
  private async readLive(): Promise<Live | null> {
    if (this.redis === null) return null
    const { desk, board } = this.redis
    try {
      const [counts, workers, supervisors] = await Promise.all([desk.counts(), board.workers(), board.supervisors()])
      return { counts, workers, supervisors }
    } catch (error) {
      throw isFailure(error) ? new QueuesAway(error) : error
    }
  }

  private async readEmbedded(runs: readonly RunFacts[], at: number): Promise<Live> {
    const { failed } = await this.readTenants()
    return { counts: countsOfRuns(runs, failed, at), workers: [], supervisors: [] }
  }

  /** A tenant whose next sync fails does not tell any more when the one before succeeded. */
  private async readTenants(): Promise<TenantStandings> {
    const tenants = await this.tenants.get()
    if (tenants.syncedAt !== null) this.syncedAt = Math.max(this.syncedAt ?? 0, tenants.syncedAt)
    return { ...tenants, syncedAt: this.syncedAt }
  }
}

/** Both, read at the same time; the first one's failure goes before the second's. */
async function bothOf<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second])
  if (a.status === 'rejected') throw a.reason
  if (b.status === 'rejected') throw b.reason
  return [a.value, b.value]
}
