import { measureRate, repeatsOf } from '../rate/step.js'
import type { MeasuredRate } from '../rate/verdict.js'
import type { ClosedLoopOrder, DrawnResult } from './closed-loop.js'
import type { UserRequest, UsersOrder } from './concurrent-users.js'
import type { Target } from './connection.js'
import type { Drawing } from './drawing.js'
import type { Asked } from './expectations.js'
import type { LatencyFigures } from './latencies.js'
import { LIST_PATH } from './load.js'
import { type Done, type LoadProcess, saturation } from './load-process.js'
import { faultsOf } from './loop-faults.js'

export interface Answered {
  readonly perS: number
  readonly latency: Pick<LatencyFigures, 'p50Ms' | 'p95Ms' | 'p99Ms'>
  readonly faults: readonly string[]
  /** Why a time may be the generator's rather than the server's; it is never too short for that. */
  readonly doubts: readonly string[]
  /** Why a goal is missed by answers that were all in time; empty where that cannot be. */
  readonly misses: readonly string[]
  /** How busy the generator was, 1 being all of a core. */
  readonly generatorShare: number
  readonly drawing: Drawing
}

export interface UsersRound {
  /** So many users who ask again when they are answered: their times follow from how many they are and how much is answered. */
  readonly users: Answered
  /** The same by the lean generator, which leaves the server more of the machine. */
  readonly crowd: Answered
  /** Requests at a fixed rate, over as many connections. */
  readonly rate: Answered
}

export interface UsersParts {
  readonly target: Target
  readonly asked: readonly Asked[]
  /** Of the tenants, in turn. */
  readonly tokens: readonly string[]
  readonly connections: number
  readonly rate: number
  /** Of the p99 at that rate. */
  readonly goalMs: number
  readonly durationMs: number
}

/** @throws {Failure} UNAVAILABLE */
export async function measureUsers(parts: UsersParts, generator: LoadProcess): Promise<UsersRound> {
  const { target, asked, tokens, connections, durationMs } = parts
  const requests = tokens.map(token => ({ path: LIST_PATH, headers: { authorization: `Bearer ${token}` } }))
  const crowd: ClosedLoopOrder = { target, connections, durationMs, most: null, asked, sequence: null }
  return {
    users: await askByUsers({ target, connections, durationMs, requests }, generator),
    crowd: answeredOf(await generator.run<DrawnResult>('closedLoop', crowd)),
    rate: answeredAt(await measureRate({ ...parts, ...repeatsOf(durationMs), generator, threads: null }, parts.rate)),
  }
}

/** Lets so many users ask. @throws {Failure} UNAVAILABLE */
export async function askByUsers(
  {
    target,
    connections,
    durationMs,
    requests,
  }: Pick<UsersParts, 'target' | 'connections' | 'durationMs'> & {
    readonly requests: readonly UserRequest[]
  },
  generator: LoadProcess,
): Promise<Answered> {
  const order: UsersOrder = { target, connections, durationS: Math.max(1, Math.round(durationMs / 1000)), requests }
  return answeredOf(await generator.run<DrawnResult>('concurrentUsers', order))
}

export function answeredOf({ result, strain }: Done<DrawnResult>): Answered {
  return {
    perS: (result.answers * 1000) / result.wallMs,
    latency: result.latency,
    faults: [...faultsOf(result), ...(result.strange ?? [])],
    doubts: saturation(strain),
    misses: [],
    generatorShare: Math.max(strain.cpuShare, strain.loopShare),
    drawing: result.drawing,
  }
}

/** A generator that is late sends less than the rate, and times may be too short for that: what is doubted does not count at all. */
export function answeredAt({ step, medians, faults, doubts, misses, generatorShare, drawing }: MeasuredRate): Answered {
  const known = { perS: step.achieved, latency: medians, generatorShare, drawing }
  return { ...known, faults: [...doubts, ...faults], doubts: [], misses }
}
