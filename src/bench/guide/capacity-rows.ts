import type { Phase } from '../../watch/phases.js'
import { judge, type Look, least, most, type Promised, type Row } from '../judging.js'
import type { RateSearch } from '../rate/search.js'
import { type Attempt, looksOf } from './attempt.js'
import type { FleetLook } from './fleet.js'
import { carriedBy, type GuideLoad, TARGETS } from './load.js'
import type { UsersLook } from './most-users.js'
import type { GuideRound } from './round.js'

const METRICS = ['tenants', 'sync_enqueue_s', 'concurrent_users', 'users_p99_ms', 'requests_per_s']

export function isCapacity({ metric }: Row): boolean {
  return METRICS.includes(metric)
}

/** Of the guide's capacity table: all of a phase together, in the order of the phases. */
export function capacityRows(load: GuideLoad, rounds: readonly GuideRound[]): Row[] {
  return load.phases.flatMap((phase, n) => [
    ...fleetRows(
      phase,
      rounds.map(({ tenants }) => tenants?.[n] ?? null),
    ),
    ...usersRows(
      phase,
      load.goalMs,
      rounds.map(({ users }) => users?.[n] ?? null),
    ),
    ...requestsRows(
      phase,
      rounds.map(({ requests }) => requests),
    ),
  ])
}

function fleetRows(phase: Phase, attempts: readonly (Attempt<FleetLook> | null)[]): Row[] {
  if (attempts.every(one => one === null)) return []
  const answered = looksOf(attempts, one => ({ value: one.answered, faults: [] }))
  const enqueued = looksOf(attempts, one => ({ value: one.enqueueMs / 1000, faults: one.faults }))
  return [
    judgeWithReasons(phase, 'tenants', answered, least(carriedBy(phase).tenants), reasonsIn(attempts)),
    judge(phase, 'sync_enqueue_s', enqueued, most(TARGETS.enqueueS)),
  ]
}

function usersRows(phase: Phase, goalMs: number, attempts: readonly (Attempt<UsersLook> | null)[]): Row[] {
  if (attempts.every(one => one === null)) return []
  const doubtful = (one: UsersLook) => (one.doubts.length === 0 ? [] : [one.shortfall ?? '', ...one.doubts])
  const users = looksOf(attempts, one => ({ value: one.users, faults: doubtful(one) }))
  const times = looksOf(attempts, one => ({ value: one.p99Ms, faults: doubtful(one) }))
  return [
    judgeWithReasons(phase, 'concurrent_users', users, least(carriedBy(phase).users), reasonsIn(attempts)),
    judge(phase, 'users_p99_ms', times, most(goalMs)),
  ]
}

/** What was found of the API holds for every phase that asks for no more; of the others only where it was the API that gave in. */
function requestsRows(phase: Phase, attempts: readonly (Attempt<RateSearch> | null)[]): Row[] {
  if (attempts.every(one => one === null)) return []
  const target = carriedBy(phase).requestsPerS
  const missed = attempts.flatMap(one =>
    one === null || one.part === null || (one.part.highestPerS ?? 0) >= target ? [] : [one.part],
  )
  const looks = looksOf(attempts, ({ highestPerS, limit, why }) => {
    const isKnown = limit === 'server' || (highestPerS ?? 0) >= target
    return { value: highestPerS ?? 0, faults: isKnown ? [] : [`${why}: this machine cannot prove ${target} per second`] }
  })
  return [judgeWithReasons(phase, 'requests_per_s', looks, least(target), [...new Set(missed.map(({ why }) => why))])]
}

/** A figure that counts and does not pass says why, too. */
export function judgeWithReasons(
  phase: Phase,
  metric: string,
  looks: readonly Look[],
  promised: Promised,
  reasons: readonly string[],
): Row {
  const row = judge(phase, metric, looks, promised)
  return row.valid && row.pass === false && reasons.length > 0 ? { ...row, why: reasons.join('; ') } : row
}

function reasonsIn(attempts: readonly (Attempt<{ readonly shortfall: string | null }> | null)[]): string[] {
  return [...new Set(attempts.flatMap(one => one?.part?.shortfall ?? []))]
}
