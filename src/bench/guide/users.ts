import type { Phase } from '../../watch/phases.js'
import { choosePlace } from '../api/bench.js'
import type { ClosedLoopOrder, DrawnResult } from '../api/closed-loop.js'
import { type HeldFigures, measureHeld } from '../api/held.js'
import { HELD_FROM, LIST_PATH } from '../api/load.js'
import { LoadProcess } from '../api/load-process.js'
import type { Caller } from '../api/population.js'
import { Service } from '../api/service.js'
import { answeredOf, askByUsers } from '../api/users.js'
import type { Place } from '../sync/place.js'
import { askedOf, usersOf } from './asking.js'
import { type Attempt, attempt } from './attempt.js'
import { API_PROCESSES, carriedBy, HOLDING_PROCESSES } from './load.js'
import { mostUsers, shortfallOf, type UsersLook, type UsersTried } from './most-users.js'
import type { GuideParts } from './parts.js'

/** Lets the users of each phase in, in the order of the phases. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureUsers(parts: GuideParts, phases: readonly Phase[]): Promise<Attempt<UsersLook>[]> {
  const { load, watcher, signal } = parts
  await using place = await choosePlace(parts)
  const callers = await usersOf(place, signal)
  const looks: Attempt<UsersLook>[] = []
  for (const phase of phases) {
    const wanted = carriedBy(phase).users
    const ask = async (users: number) => {
      watcher.note(`${users} users`)
      return users < HELD_FROM ? asking(place, callers, users, parts) : holding(place, callers, users, signal)
    }
    looks.push(await attempt(() => mostUsers(wanted, load.goalMs, ask), signal, parts.onBug))
  }
  return looks
}

/** Users who ask again as soon as they are answered: by autocannon, and where that was too busy to tell, by the generator that needs less of the machine. */
async function asking(
  place: Place,
  callers: readonly Caller[],
  users: number,
  { load, signal }: GuideParts,
): Promise<UsersTried> {
  await using service = await Service.start(place, API_PROCESSES, signal)
  await using generator = LoadProcess.start(signal)
  const { target } = service
  // Once for all of them: what is measured is the API when it has begun.
  const asked = await askedOf(service, callers)
  const requests = callers.map(({ token }) => ({ path: LIST_PATH, headers: { authorization: `Bearer ${token}` } }))
  const durationMs = load.duration * 1000
  const tried = triedOf(await askByUsers({ target, connections: users, durationMs, requests }, generator))
  if (shortfallOf(tried, load.goalMs) === null || tried.doubts.length === 0) return tried
  const lean: ClosedLoopOrder = {
    ...{ target, connections: users, durationMs },
    ...{ most: null, asked, sequence: null },
  }
  return triedOf(answeredOf(await generator.run<DrawnResult>('closedLoop', lean)))
}

/** More than can be in a hurry on one machine: users whose connections stay open, and who ask in their turn. */
async function holding(place: Place, callers: readonly Caller[], users: number, signal: AbortSignal): Promise<UsersTried> {
  await using service = await Service.start(place, HOLDING_PROCESSES, signal)
  const asked = await askedOf(service, callers)
  const figures = await measureHeld(service, { connections: users, workers: HOLDING_PROCESSES }, asked, signal)
  return { p99Ms: figures.p99Ms, faults: [...figures.faults, ...missing(figures, users)], doubts: [] }
}

/** Connections that were not answered, once when they were opened and once in their turn. */
export function missing({ open, lost, fewestAnswers }: HeldFigures, users: number): string[] {
  return [
    ...(open === users && lost === 0 ? [] : [`${open} of ${users} connections stayed open`]),
    ...(fewestAnswers >= 2 ? [] : [`a connection was answered ${fewestAnswers} times instead of twice`]),
  ]
}

function triedOf({ latency, faults, doubts }: ReturnType<typeof answeredOf>): UsersTried {
  return { p99Ms: latency.p99Ms, faults, doubts }
}
