import type { Config, Environment } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import { spawnFeedServer } from '../feed-server/spawn.js'
import { describeMachine, type Machine } from '../sync/machine.js'
import { Place } from '../sync/place.js'
import type { Row } from '../sync/rows.js'
import type { Watcher } from '../sync/watcher.js'
import { measureBacklog } from './backlog.js'
import { measureFairness } from './fairness.js'
import type { QueueLoad } from './load.js'
import { sourcesOf } from './population.js'
import { type QueueRound, rowsOf } from './rows.js'

/** Small documents: what is measured is who waits for whom, not how fast feeds are read. */
const DOCUMENT = { items: 3, itemBytes: 200, latencyMs: 0 }
const HOSTS = 200
const PREPARED_AT_ONCE = 500

export interface QueueBenchOptions {
  /** The operator's settings: drivers and servers are taken from them, databases, folders and keys never. */
  readonly operator: Config
  readonly env: Environment
  readonly load: QueueLoad
  readonly watcher: Watcher
  /** Ends what is running and removes what was made. */
  readonly signal: AbortSignal
}

export interface QueueBenchResult {
  readonly scenario: 'queue'
  readonly machine: Machine
  /** `chunk`: feeds of one tenant that a job does. */
  readonly settings: QueueLoad & { readonly chunk: number }
  readonly rows: readonly Row[]
  /** The scalability model of scenarios that have one. */
  readonly model: null
}

/**
 * Measures the queue under a backlog of jobs that do nothing, and how long small tenants wait beside a giant, under keys and in databases of its own.
 * @throws {Failure} CONFIG_INVALID, UNAVAILABLE; the signal's reason
 */
export async function benchQueue(options: QueueBenchOptions): Promise<QueueBenchResult> {
  const { operator, load, watcher, signal } = options
  checkDrivers(operator)
  try {
    await using server = await spawnFeedServer({ ...DOCUMENT, spread: HOSTS })
    for (let from = 0; from < sourcesOf(load); from += PREPARED_AT_ONCE) {
      signal.throwIfAborted()
      await server.prepare(from, Math.min(sourcesOf(load), from + PREPARED_AT_ONCE) - 1)
    }
    const rounds: QueueRound[] = []
    while (rounds.length < load.repeat) {
      if (load.repeat > 1) watcher.note(`round ${rounds.length + 1} of ${load.repeat}`)
      rounds.push(await runRound(options, source => server.urlOf(source), server.address.spread > 0))
      signal.throwIfAborted()
    }
    const machine = describeMachine(operator)
    return {
      scenario: 'queue',
      machine,
      settings: { ...load, chunk: operator.syncChunk },
      rows: rowsOf(load, rounds),
      model: null,
    }
  } catch (error) {
    // Ctrl-C reaches the children too: what fails because they are gone is the interruption, not a failure of its own.
    signal.throwIfAborted()
    throw error
  }
}

async function runRound(options: QueueBenchOptions, urlOf: (source: number) => string, isSpread: boolean): Promise<QueueRound> {
  const { load, operator, watcher, signal } = options
  const choice = {
    ...options,
    fetchPerHost: isSpread ? null : operator.fetchConcurrency,
    keep: false,
    note: (line: string) => watcher.note(line),
  }
  const measured = async <T>(deed: (place: Place) => Promise<T>): Promise<T> => {
    await using place = await Place.choose(choice)
    return await deed(place)
  }
  const backlog = await measured(place => measureBacklog(place, load.jobs, watcher, signal))
  signal.throwIfAborted()
  return { backlog, fairness: await measured(place => measureFairness({ place, load, urlOf, watcher, signal })) }
}

function checkDrivers(config: Config): void {
  if (config.queueConnection !== 'redis') {
    throw new Failure('CONFIG_INVALID', 'there is no queue to measure: QUEUE_CONNECTION is sync', {
      hint: 'QUEUE_CONNECTION=redis',
    })
  }
  if (config.cacheDriver === 'redis') return
  throw new Failure('CONFIG_INVALID', 'with QUEUE_CONNECTION=redis the workers share what they read through CACHE_DRIVER=redis', {
    hint: 'CACHE_DRIVER=redis',
  })
}
