import { judge, type Look, least, most, type Promised, type Row, unlessShort } from '../judging.js'
import { type Phase, phaseOf } from '../sync/targets.js'
import type { NginxRound } from './behind-nginx.js'
import type { CachedRound } from './cached.js'
import type { HeldFigures } from './held.js'
import { type ApiLoad, TARGETS } from './load.js'
import type { UncachedRound } from './uncached.js'
import type { Answered, UsersRound } from './users.js'

/** One repetition. */
export interface ApiRound {
  readonly cached: CachedRound
  readonly users: UsersRound
  readonly uncached: UncachedRound
  /** Null where it is not asked for. */
  readonly nginx: NginxRound | null
}

export function rowsOf(load: ApiLoad, rounds: readonly ApiRound[]): Row[] {
  const phase = phaseOf(load.tenants)
  const row = (metric: string, look: (round: ApiRound) => Look, promised: Promised | null = null) =>
    judge(phase, metric, rounds.map(look), promised)
  const ofCached = (metric: string, value: (one: CachedRound) => number | null, promised: Promised | null = null) =>
    row(metric, ({ cached }) => ({ value: value(cached), faults: cached.faults }), promised)
  const answered = (name: keyof UsersRound, p99: number | null) =>
    answeredRows(
      name,
      rounds.map(({ users }) => users[name]),
      p99,
      phase,
    )
  const usersP99 = load.connections >= TARGETS.users || load.phase !== null ? load.goalMs : null
  // The bare server is one process: several beside it would be no comparison.
  const cachedRatio = load.workers === 1 ? least(TARGETS.cachedRatio) : null
  return [
    ofCached('cached_ratio', one => one.feedctl.perS / one.bare.perS, cachedRatio),
    ofCached('cached_cpu_ratio', one => divided(one.bare.cpuUs, one.feedctl.cpuUs)),
    ofCached('cached_per_s', one => one.feedctl.perS),
    ofCached('bare_per_s', one => one.bare.perS),
    ofCached('cached_cpu_us', one => one.feedctl.cpuUs),
    ofCached('bare_cpu_us', one => one.bare.cpuUs),
    ofCached('cached_core_share', one => one.feedctl.share),
    ofCached('bare_core_share', one => one.bare.share),
    ofCached('cached_p50_ms', one => one.feedctl.p50Ms),
    ofCached('cached_p99_ms', one => one.feedctl.p99Ms),
    ofCached('generator_share', one => one.generatorShare),
    ...answered('users', usersP99),
    ...answered('crowd', usersP99),
    ...answered('rate', load.phase === null ? null : load.goalMs),
    row('uncached_per_s', ({ uncached }) => ({ value: uncached.perS, faults: [...uncached.faults, ...uncached.doubts] })),
    row('uncached_p50_ms', ({ uncached }) => ({ value: uncached.latency.p50Ms, faults: uncached.faults })),
    row(
      'uncached_statements',
      ({ uncached }) => ({
        value: uncached.statementsPerRequest,
        faults: [...uncached.faults, ...uncounted(uncached.statementsPerRequest)],
      }),
      most(TARGETS.statementsPerRequest),
    ),
    ...(load.nginx ? nginxRows(row) : []),
  ]
}

function nginxRows(row: (metric: string, look: (round: ApiRound) => Look) => Row): Row[] {
  const ofNginx = (metric: string, value: (one: NginxRound) => number) =>
    row(metric, ({ nginx }) => ({ value: nginx && value(nginx), faults: nginx?.faults ?? [] }))
  return [
    ofNginx('nginx_1_per_s', one => one.onePerS),
    ofNginx('nginx_3_per_s', one => one.severalPerS),
    ofNginx('nginx_ratio', one => one.severalPerS / one.onePerS),
  ]
}

/** Of connections that are held. */
export function heldRows(load: ApiLoad, rounds: readonly HeldFigures[]): Row[] {
  const row = (metric: string, value: (one: HeldFigures) => number | null, promised: Promised | null = null) =>
    judge(
      phaseOf(load.tenants),
      metric,
      rounds.map(one => ({ value: value(one), faults: one.faults })),
      promised,
    )
  return [
    row('held_open', one => one.open, least(load.connections)),
    row('held_fewest_answers', one => one.fewestAnswers, least(2)),
    row('held_lost', one => one.lost, most(0)),
    row('held_connection_bytes', one => one.bytesPerConnection),
    row('held_per_s', one => one.perS),
    row('held_p99_ms', one => one.p99Ms),
  ]
}

/** Of users, or of requests at a rate, one for each round. @param p99 most that the p99 may be, ms; null where nothing is promised */
export function answeredRows(name: string, all: readonly Answered[], p99: number | null, phase: Phase | null): Row[] {
  const plain = (metric: string, value: (one: Answered) => number | null) =>
    judge(
      phase,
      `${name}_${metric}`,
      all.map(one => ({ value: value(one), faults: one.faults })),
      null,
    )
  const times = all.map(one => unlessShort(one.latency.p99Ms, p99, one.faults, one.doubts))
  return [
    plain('per_s', one => one.perS),
    plain('p50_ms', one => one.latency.p50Ms),
    plain('p95_ms', one => one.latency.p95Ms),
    missedBy(judge(phase, `${name}_p99_ms`, times, p99 === null ? null : most(p99)), all),
    plain('generator_share', one => one.generatorShare),
  ]
}

/** Who falls behind in half of the rounds has not met a goal, though nobody has waited for longer yet. */
function missedBy(row: Row, all: readonly Answered[]): Row {
  const missed = all.flatMap(({ misses }) => misses.slice(0, 1))
  const [why] = missed
  return row.pass !== true || why === undefined || missed.length * 2 < all.length ? row : { ...row, pass: false, why }
}

/** Nobody reads a page of posts without a statement: fewer were not counted, or the cache was not off. */
function uncounted(statements: number | null): string[] {
  if (statements === null || statements >= TARGETS.fewestStatementsPerRequest) return []
  return [`a request without the cache took ${statements.toFixed(3)} statements: not all were counted, or the cache answered`]
}

function divided(one: number | null, other: number | null): number | null {
  return one === null || other === null || other === 0 ? null : one / other
}
