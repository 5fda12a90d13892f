import { choosePlace } from '../api/bench.js'
import type { Asked } from '../api/expectations.js'
import { LoadProcess } from '../api/load-process.js'
import type { Caller } from '../api/population.js'
import { connectionsUpTo } from '../api/preflight.js'
import { measureScaling, type Scaling } from '../api/scaling.js'
import { Service } from '../api/service.js'
import { type RateSearch, searchRate } from '../rate/search.js'
import { repeatsOf } from '../rate/step.js'
import type { Place } from '../sync/place.js'
import { askedOf, usersOf } from './asking.js'
import { API_PROCESSES, carriedBy } from './load.js'
import type { GuideParts } from './parts.js'

/** As many requests can be under way; those beyond wait, and their waiting counts. */
const CONNECTIONS = 256
/** When those prove to be too few. */
const MOST_CONNECTIONS = 4_000
/** Beyond the highest target, so that a rate that just holds is told from one that holds easily. */
const CAP = 1.2
/** Of the cap, where the search begins: three steps up lead to it. */
const START = 1 / 8
/** Of the time that a figure is measured, what each number of processes has in each turn. */
const SCALING_PART = 0.2

/** One search for all phases: the same deployment answers them. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureRequests(parts: GuideParts): Promise<RateSearch> {
  const { load, watcher, signal } = parts
  await using place = await choosePlace(parts)
  const callers = await usersOf(place, signal)
  await using service = await Service.start(place, API_PROCESSES, signal)
  await using generator = LoadProcess.start(signal)
  const asked = await askedOf(service, callers)
  const mostPerS = Math.round(CAP * Math.max(...load.phases.map(phase => carriedBy(phase).requestsPerS)))
  return await searchRate({
    ...{ generator, target: service.target, asked, connections: CONNECTIONS, threads: null },
    mostConnections: connectionsUpTo(MOST_CONNECTIONS),
    ...{ goalMs: load.goalMs, startPerS: mostPerS * START, mostPerS, ...repeatsOf(load.duration * 1000) },
    ...{ note: line => watcher.note(line), signal },
  })
}

/** @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureProcesses(parts: GuideParts): Promise<Scaling> {
  const { load, watcher, signal } = parts
  await using place = await choosePlace(parts)
  const callers = await usersOf(place, signal)
  const asked = await answered(place, callers, signal)
  await using generator = LoadProcess.start(signal)
  const stepMs = load.duration * 1000 * SCALING_PART
  return await measureScaling({ place, asked, generator, stepMs, note: line => watcher.note(line), signal })
}

async function answered(place: Place, callers: readonly Caller[], signal: AbortSignal): Promise<Asked[]> {
  await using service = await Service.start(place, API_PROCESSES, signal)
  return await askedOf(service, callers)
}
