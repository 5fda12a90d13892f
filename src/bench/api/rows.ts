import { judge, type Look, least, most, type Promised, type Row, unlessShort } from '../judging.js'
import { phaseOf } from '../sync/targets.js'
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
    ...answeredRows('users', ({ users }) => users.users, usersP99, row),
    ...answeredRows('crowd', ({ users }) => users.crowd, usersP99, row),
    ...answeredRows('rate', ({ users }) => users.rate, load.phase === null ? null : load.goalMs, row),
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

/** Of users, or of requests at a rate. @param p99 most that the p99 may be, ms; null where nothing is promised */
export function answeredRows<Round>(
  name: string,
  of: (round: Round) => Answered,
  p99: number | null,
  row: (metric: string, look: (round: Round) => Look, promised?: Promised | null) => Row,
): Row[] {
  const plain = (value: (one: Answered) => number | null) => (round: Round) => ({
    value: value(of(round)),
    faults: of(round).faults,
  })
  return [
    row(
      `${name}_per_s`,
      plain(one => one.perS),
    ),
    row(
      `${name}_p50_ms`,
      plain(one => one.latency.p50Ms),
    ),
    row(
      `${name}_p95_ms`,
      plain(one => one.latency.p95Ms),
    ),
    row(
      `${name}_p99_ms`,
      round => unlessShort(of(round).latency.p99Ms, p99, of(round).faults, of(round).doubts),
      p99 === null ? null : most(p99),
    ),
    row(
      `${name}_generator_share`,
      plain(one => one.generatorShare),
    ),
  ]
}

/** Nobody reads a page of posts without a statement: fewer were not counted, or the cache was not off. */
function uncounted(statements: number | null): string[] {
  if (statements === null || statements >= TARGETS.fewestStatementsPerRequest) return []
  return [`a request without the cache took ${statements.toFixed(3)} statements: not all were counted, or the cache answered`]
}

function divided(one: number | null, other: number | null): number | null {
  return one === null || other === null || other === 0 ? null : one / other
}
