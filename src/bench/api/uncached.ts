import { SETTINGS } from '../../kernel/settings.js'
import type { ChildPlace } from '../sync/child.js'
import type { ClosedLoopOrder, DrawnResult } from './closed-loop.js'
import type { Asked } from './expectations.js'
import { BUSY_CONNECTIONS } from './load.js'
import type { LoadProcess } from './load-process.js'
import { Service } from './service.js'
import { type Answered, answeredOf } from './users.js'

export const STATEMENTS = 'feedctl_database_statements_total'
const WARM_UP_MS = 1_000

export interface UncachedRound extends Answered {
  /** Statements that the API sent to databases for each request; null when it does not count them. */
  readonly statementsPerRequest: number | null
}

/** The same place, served by an API that keeps no answers. */
export function withoutCache({ folder, env }: ChildPlace): ChildPlace {
  return { folder, env: { ...env, [SETTINGS.apiCacheBytes.env]: '0' } }
}

/** Asks an API that keeps no answers, each tenant in turn. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureUncached(
  place: ChildPlace,
  asked: readonly Asked[],
  generator: LoadProcess,
  durationMs: number,
  signal: AbortSignal,
): Promise<UncachedRound> {
  await using service = await Service.start(withoutCache(place), 1, signal)
  const order = { target: service.target, connections: BUSY_CONNECTIONS, asked, sequence: null, most: null }
  const load = (ms: number) => generator.run<DrawnResult>('closedLoop', { ...order, durationMs: ms } satisfies ClosedLoopOrder)
  // Who bears which token is looked up once, and remembered.
  await load(Math.min(WARM_UP_MS, durationMs))
  const before = await service.metric(STATEMENTS)
  const done = await load(durationMs)
  const after = await service.metric(STATEMENTS)
  const known = before !== null && after !== null
  return { ...answeredOf(done), statementsPerRequest: known ? (after - before) / done.result.answers : null }
}
