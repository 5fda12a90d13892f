import { searchHighest } from '../rate/highest.js'
import type { RateSearch } from '../rate/search.js'
import type { Place } from '../sync/place.js'
import { LoadProcess } from './load-process.js'
import type { ApiBenchOptions } from './options.js'
import type { Caller } from './population.js'
import { connectionsUpTo } from './preflight.js'
import { answersFor } from './rounds.js'
import { measureScaling, type Scaling } from './scaling.js'
import { Service } from './service.js'

/** Connections of a search where far more are held. */
const MOST_CONNECTIONS = 1_000
/** When those prove to be too few. */
const MOST_OPEN = 4_000
/** There are eighteen of them. */
const SCALING_PART = 0.2
const SCALING_LEAST_MS = 500

/** What is measured once, after all rounds: it has repeats of its own. */
export interface Peak {
  /** Nulls where they are not asked for. */
  readonly search: RateSearch | null
  readonly scaling: Scaling | null
}

/** @param knownPerS what the API answered in a closed loop, about @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measurePeak(
  place: Place,
  callers: readonly Caller[],
  { load, watcher, signal }: Pick<ApiBenchOptions, 'load' | 'watcher' | 'signal'>,
  knownPerS: number,
): Promise<Peak> {
  if (!load.search && !load.scaling) return { search: null, scaling: null }
  await using generator = LoadProcess.start(signal)
  const durationMs = load.duration * 1000
  const note = (line: string) => watcher.note(line)
  const { service, asked } = await serve(place, callers, load.workers, signal)
  let search: RateSearch | null = null
  {
    await using served = service
    if (load.search) {
      watcher.note(`the highest rate with a p99 of ${load.goalMs} ms`)
      const connections = Math.min(load.connections, MOST_CONNECTIONS)
      const mostConnections = connectionsUpTo(Math.max(connections, MOST_OPEN))
      const parts = { generator, target: served.target, asked, connections, mostConnections, goalMs: load.goalMs, note, signal }
      search = await searchHighest(parts, knownPerS, durationMs)
    }
  }
  const stepMs = Math.max(SCALING_LEAST_MS, durationMs * SCALING_PART)
  const scaling = load.scaling ? await measureScaling({ place, asked, generator, stepMs, note, signal }) : null
  return { search, scaling }
}

async function serve(place: Place, callers: readonly Caller[], workers: number, signal: AbortSignal) {
  const service = await Service.start(place, workers, signal)
  try {
    return { service, asked: (await answersFor(service.target, callers)).map(one => one.asked) }
  } catch (error) {
    await service[Symbol.asyncDispose]()
    throw error
  }
}
