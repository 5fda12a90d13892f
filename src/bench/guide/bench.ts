import type { Config, Environment } from '../../kernel/config.js'
import { eventsOverHttp } from '../analytics/bench.js'
import { choosePlace } from '../api/bench.js'
import { populate } from '../api/population.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import type { Row } from '../sync/rows.js'
import type { Watcher } from '../sync/watcher.js'
import { measureCaching } from './caching.js'
import { measureEager } from './eager.js'
import { FEEDS_PER_TENANT, type GuideLoad, POSTS_PER_FEED } from './load.js'
import { type GuideRound, rowsOf } from './rows.js'
import { measureSingleEvents } from './single-events.js'

/** Tenants whose events are counted, and how many seconds they are gathered: a short run would end in waiting. */
const EVENTS = { tenants: 20, gatheringS: 1 }

export interface GuideBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: GuideLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface GuideBenchResult {
  readonly scenario: 'guide'
  readonly machine: Machine
  readonly settings: GuideLoad
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
}

/**
 * Measures what the guide claims of the cache, of eager loading and of batches of events, on the configured drivers.
 * @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function benchGuide(options: GuideBenchOptions): Promise<GuideBenchResult> {
  const { operator, load, watcher, signal } = options
  try {
    const rounds: GuideRound[] = []
    while (rounds.length < load.repeat) {
      if (load.repeat > 1) watcher.note(`round ${rounds.length + 1} of ${load.repeat}`)
      rounds.push(await runRound(options))
      signal.throwIfAborted()
    }
    return { scenario: 'guide', machine: describeMachine(operator), settings: load, rows: rowsOf(load, rounds), model: null }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

async function runRound(options: GuideBenchOptions): Promise<GuideRound> {
  const { load } = options
  const { singlePerS, ...parts } = await onePlace(options)
  const operator = { ...options.operator, analyticsDelayS: EVENTS.gatheringS }
  const sending = { tenants: EVENTS.tenants, eventsPerS: null, duration: load.duration, workers: 1, processes: 1, repeat: 1 }
  const { committedPerS, faults } = await eventsOverHttp({ ...options, operator, load: { ...sending, from: 'http' } })
  return { ...parts, events: { singlePerS, batchedPerS: committedPerS, faults } }
}

async function onePlace(options: GuideBenchOptions) {
  const { load, watcher, signal } = options
  await using place = await choosePlace(options)
  await place.prepare()
  const shape = { tenants: load.tenants, feedsPerTenant: FEEDS_PER_TENANT, postsPerFeed: POSTS_PER_FEED }
  const callers = await populate(place, shape, signal)
  watcher.note(`${load.requests} requests with the cache, and without`)
  const caching = await measureCaching(place, callers, load, signal)
  const [first] = callers
  if (first === undefined) throw new Error('no tenants')
  const eager = await measureEager(place, first)
  watcher.note('events one by one')
  return { caching, eager, singlePerS: await measureSingleEvents(place, callers, load.duration * 1000, signal) }
}
