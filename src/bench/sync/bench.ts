import type { Config, Environment } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { type RemoteFeedServer, spawnFeedServer } from '../feed-server/spawn.js'
import { checkLoad, type SyncLoad } from './load.js'
import { describeMachine, type Machine } from './machine.js'
import { runRound, type SyncRound } from './round.js'
import { type Row, rowsOf } from './rows.js'
import { targetsOf } from './targets.js'
import type { Watcher } from './watcher.js'

/** Hosts that sources are spread over, so that no sync waits for its own politeness to one host. */
const HOSTS = 200
const PREPARED_AT_ONCE = 100

export interface SyncBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  /** `workers` counts only with QUEUE_CONNECTION=redis. */
  readonly load: SyncLoad
  /** Leaves databases, files and keys where they are, and notes where. */
  readonly keep: boolean
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface SyncBenchResult {
  readonly scenario: 'sync'
  readonly machine: Machine
  /** `hosts`: addresses that the sources are spread over. */
  readonly settings: SyncLoad & { readonly hosts: number }
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
  readonly runs: readonly SyncRound[]
}

/**
 * Measures cold and warm syncs of generated tenants, whose feeds a process of its own serves, on the configured drivers.
 * @throws {Failure} USAGE, CONFIG_INVALID, UNAVAILABLE; the signal's reason
 */
export async function benchSync(options: SyncBenchOptions): Promise<SyncBenchResult> {
  const { operator, watcher, signal } = options
  checkDrivers(operator)
  const load = operator.queueConnection === 'redis' ? options.load : { ...options.load, workers: 0 }
  checkLoad(load)
  try {
    await using server = await startSources(load, watcher, signal)
    const runs: SyncRound[] = []
    while (runs.length < load.repeat) {
      if (load.repeat > 1) watcher.note(`round ${runs.length + 1} of ${load.repeat}`)
      runs.push(await runRound({ ...options, load, server }))
      signal.throwIfAborted()
    }
    const machine = describeMachine(operator)
    const settings = { ...load, hosts: Math.max(1, server.address.spread) }
    return { scenario: 'sync', machine, settings, rows: rowsOf(load, targetsOf(load, machine.drivers), runs), model: null, runs }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

/** @throws {Failure} CONFIG_INVALID */
export function checkDrivers(config: Config): void {
  if (config.queueConnection !== 'redis' || config.cacheDriver === 'redis') return
  throw new Failure('CONFIG_INVALID', 'with QUEUE_CONNECTION=redis the workers share what they read through CACHE_DRIVER=redis', {
    hint: 'CACHE_DRIVER=redis',
  })
}

/** The feed server, with every document made. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function startSources(load: SyncLoad, watcher: Watcher, signal: AbortSignal): Promise<RemoteFeedServer> {
  const { items, itemBytes, latencyMs, distinct } = load
  const server = await spawnFeedServer({ items, itemBytes, latencyMs, spread: Math.min(HOSTS, distinct) })
  try {
    const progress = watcher.progress('prepare', 'documents')
    progress.start(distinct)
    for (let from = 0; from < distinct; from += PREPARED_AT_ONCE) {
      signal.throwIfAborted()
      const to = Math.min(distinct, from + PREPARED_AT_ONCE)
      await server.prepare(from, to - 1)
      progress.update(to)
    }
    progress.stop()
    return server
  } catch (error) {
    await server.close()
    throw error
  }
}
