import type { Backlog } from '../../analytics/log/driver.js'
import type { App } from '../../app.js'
import type { Clock } from '../../kernel/clock.js'
import { wordsOf } from '../../kernel/errors.js'
import { type FailingSource, readFailingSources } from '../../watch/failing-sources.js'
import { openWatch, type Watch } from '../../watch/gather.js'
import { Kept } from '../../watch/kept.js'
import type { Overview } from '../../watch/overview.js'
import { type PlacementStanding, readPlacements } from '../../watch/placements.js'
import type { MetricsJson } from '../metrics.js'
import { countersOf, NO_RATES, RateMeter, type Rates } from './rates.js'

/** However many look, it is read once in this time, and not much of the time is spent on reading it. */
const KEPT_MS = 1_000
const TIMES_ITS_COST = 4
const PLACEMENTS_KEPT_MS = 10_000
const SOURCES_KEPT_MS = 30_000

/** All that the dashboard shows. */
export interface Standing {
  readonly overview: Overview
  /** Names of the tenants that the overview lists, by id. */
  readonly names: ReadonlyMap<number, string>
  readonly placements: readonly PlacementStanding[]
  readonly failingSources: readonly FailingSource[]
  /** Null when it cannot be told. */
  readonly backlog: Backlog | null
  readonly rates: Rates
}

/** Looks at the installation for everybody who looks at the dashboard of this process. */
export class StandingReader {
  private watch: Promise<Watch> | null = null
  private readonly placements: Kept<PlacementStanding[]>
  private readonly sources: Kept<FailingSource[]>
  private readonly meter: RateMeter
  private readonly kept: Kept<Standing>

  constructor(
    private readonly app: App,
    counted: () => Promise<MetricsJson>,
    now: Clock = Date.now,
  ) {
    this.placements = new Kept(() => readPlacements(app.catalog), PLACEMENTS_KEPT_MS, now)
    this.sources = new Kept(() => readFailingSources(app.catalog), SOURCES_KEPT_MS, now)
    this.meter = new RateMeter(async () => countersOf(await counted()), now)
    this.kept = new Kept(() => this.gather(), KEPT_MS, now, TIMES_ITS_COST)
  }

  /** The same one for all who ask within a second. @throws {Failure} UNAVAILABLE */
  read(): Promise<Standing> {
    return this.kept.get()
  }

  private async gather(): Promise<Standing> {
    this.watch ??= openWatch(this.app)
    const overview = await (await this.watch).overview()
    const [names, placements, failingSources, backlog, rates] = await Promise.all([
      this.namesIn(overview),
      this.placements.get(),
      this.sources.get(),
      this.backlog(),
      this.rates(),
    ])
    return { overview, names, placements, failingSources, backlog, rates }
  }

  private async namesIn({ tenants }: Overview): Promise<ReadonlyMap<number, string>> {
    const ids = [...new Set([...tenants.slowest, ...tenants.mostFailing].map(({ id }) => id))]
    if (ids.length === 0) return new Map()
    const rows = await this.app.catalog.kysely.selectFrom('tenants').select(['id', 'name']).where('id', 'in', ids).execute()
    return new Map(rows.map(({ id, name }) => [id, name]))
  }

  /** One part that cannot be told does not hide the others. */
  private async rates(): Promise<Rates> {
    try {
      return await this.meter.read()
    } catch (error) {
      this.app.log.debug('ops: the rates of all processes', { why: wordsOf(error) })
      return NO_RATES
    }
  }

  private async backlog(): Promise<Backlog | null> {
    try {
      const events = await this.app.events()
      return await events.backlog()
    } catch (error) {
      this.app.log.debug('ops: the backlog of events', { why: wordsOf(error) })
      return null
    }
  }
}
