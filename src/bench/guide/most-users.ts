import type { LatencyFigures } from '../api/latencies.js'

/** As many users as were let in, and how they were answered. */
export interface UsersTried {
  /** Null of no answers. */
  readonly p99Ms: LatencyFigures['p99Ms']
  /** Why not all of them were answered as they should be; empty when they were. */
  readonly faults: readonly string[]
  /** Why the times may be the generator's rather than the server's; they are never too short for that. */
  readonly doubts: readonly string[]
}

export interface UsersLook {
  /** Most users, of the numbers that were tried, who were all answered, 99 of 100 answers within the goal; 0 when there were too many each time. */
  readonly users: number
  /** Of as many users as were wanted; null of no answers. */
  readonly p99Ms: number | null
  /** Why so many as were wanted were too many; null when they were not. */
  readonly shortfall: string | null
  /** Why that says nothing of the server; empty where it does. */
  readonly doubts: readonly string[]
}

/** As many as are wanted, a half, a quarter, an eighth. */
const TRIES = 4

/** Lets users in, half as many each time that there were too many. */
export async function mostUsers(wanted: number, goalMs: number, ask: (users: number) => Promise<UsersTried>): Promise<UsersLook> {
  const first = await ask(wanted)
  const shortfall = shortfallOf(first, goalMs)
  const isSlow = shortfall !== null && first.faults.length === 0
  const look = { p99Ms: first.p99Ms, shortfall, doubts: isSlow ? first.doubts : [] }
  if (shortfall === null) return { users: wanted, ...look }
  for (let tried = 1, users = Math.floor(wanted / 2); tried < TRIES && users > 0; tried++, users = Math.floor(users / 2)) {
    if (shortfallOf(await ask(users), goalMs) === null) return { users, ...look }
  }
  return { users: 0, ...look }
}

/** Why they were too many; null when they were not. */
export function shortfallOf({ p99Ms, faults }: Omit<UsersTried, 'doubts'>, goalMs: number): string | null {
  if (faults.length > 0) return faults.join('; ')
  if (p99Ms === null) return 'nothing was answered'
  return p99Ms <= goalMs ? null : `1 answer of 100 took more than ${p99Ms.toFixed(1)} ms: the goal is ${goalMs} ms`
}
