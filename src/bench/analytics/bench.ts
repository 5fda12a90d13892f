import type { Config, Environment } from '../../kernel/config.js'
import { choosePlace } from '../api/bench.js'
import { LoadProcess } from '../api/load-process.js'
import { populate } from '../api/population.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import type { Place } from '../sync/place.js'
import type { Row } from '../sync/rows.js'
import type { Watcher } from '../sync/watcher.js'
import { serversOf } from './accounts.js'
import { type EventsRound, measureHttp, type RoundParts } from './http-round.js'
import { type AnalyticsLoad, FEEDS_PER_TENANT, POSTS_PER_FEED } from './load.js'
import { measureLoadData } from './load-data.js'
import { measureNdjson } from './ndjson-round.js'
import { type AnalyticsRound, rowsOf } from './rows.js'

export interface AnalyticsBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: AnalyticsLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface AnalyticsBenchResult {
  readonly scenario: 'analytics'
  readonly machine: Machine
  /** `gatheringS`: how long events are gathered before they are counted. */
  readonly settings: AnalyticsLoad & { readonly gatheringS: number }
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
}

/**
 * Measures how fast events come from HTTP, or from NDJSON, to committed rows of real feedctl processes on the configured drivers, and whether each counts once.
 * @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function benchAnalytics(options: AnalyticsBenchOptions): Promise<AnalyticsBenchResult> {
  const { operator, load, watcher, signal } = options
  try {
    const rounds: AnalyticsRound[] = []
    while (rounds.length < load.repeat) {
      if (load.repeat > 1) watcher.note(`round ${rounds.length + 1} of ${load.repeat}`)
      rounds.push(await runRound(options))
      signal.throwIfAborted()
    }
    return {
      ...{ scenario: 'analytics', machine: describeMachine(operator) },
      settings: { ...load, gatheringS: operator.analyticsDelayS },
      rows: rowsOf(load, rounds),
      model: null,
    }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

/** Each source in a place of its own: neither finds the rows of the other. */
async function runRound(options: AnalyticsBenchOptions): Promise<AnalyticsRound> {
  const { load, operator, watcher, signal } = options
  const http = load.from === 'ndjson' ? null : await eventsOverHttp(options)
  const ndjson = load.from === 'http' ? null : await eventsFromStdin(options)
  if (operator.dbConnection !== 'mysql') return { http, ndjson, loadDataPerS: null }
  watcher.note('LOAD DATA of single rows')
  await using place = await choosePlace(options)
  return { http, ndjson, loadDataPerS: await measureLoadData(place, load, signal) }
}

/** One round of events that are posted. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function eventsOverHttp(options: AnalyticsBenchOptions): Promise<EventsRound> {
  const { watcher, signal } = options
  watcher.note('events over HTTP')
  await using generator = LoadProcess.start(signal)
  await using place = await choosePlace(options)
  return await measureHttp(await prepared(place, options), generator)
}

async function eventsFromStdin(options: AnalyticsBenchOptions): Promise<EventsRound> {
  options.watcher.note('events from stdin')
  await using place = await choosePlace(options)
  return await measureNdjson(await prepared(place, options))
}

async function prepared(place: Place, { load, signal }: AnalyticsBenchOptions): Promise<RoundParts> {
  await place.prepare()
  const shape = { tenants: load.tenants, feedsPerTenant: FEEDS_PER_TENANT, postsPerFeed: POSTS_PER_FEED }
  return { place, callers: await populate(place, shape, signal), load, servers: await serversOf(place), signal }
}
