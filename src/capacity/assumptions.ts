import { PHASES } from '../watch/phases.js'
import type { Capacity } from './capacity.js'
import { type Costs, sumOfParts } from './costs.js'
import { type Limit, METRICS, type Metric } from './limits.js'
import { counted, day, grouped, money } from './words.js'

/** One thing that the plan takes for true. */
export interface Assumption {
  readonly what: string
  readonly value: string
  readonly source: 'guide' | 'measured' | 'setting' | 'default' | 'given' | 'catalog' | 'unknown'
  /** In one sentence, where it comes from and what it leaves out. */
  readonly why: string
}

const PERCENT = 100

/** Everything that the plan rests on, in the order in which it is used. */
export function assumptionsOf(capacity: Capacity): Assumption[] {
  return [
    ...loadAssumptions(capacity),
    growthAssumption(capacity),
    {
      what: 'users and requests',
      value: 'grow as tenants do',
      source: 'default',
      why: 'nothing is known of their own growth',
    },
    ...limitAssumptions(capacity),
    benchAssumption(capacity),
    ...costAssumptions(capacity.costs),
  ]
}

function loadAssumptions({ asked, facts, load }: Capacity): Assumption[] {
  const { states, served } = facts
  const given = (what: string, value: number, flag: string): Assumption => ({
    ...{ what, value: grouped(value), source: 'given' },
    why: flag,
  })
  const unserved = (what: string): Assumption => ({
    ...{ what, value: 'not known yet', source: 'unknown' },
    why: 'the API has served nothing in the last four weeks: feedctl serve keeps count',
  })
  const tenants: Assumption =
    asked.tenants === null
      ? {
          ...{ what: 'tenants', value: grouped(facts.tenants), source: 'catalog' },
          why: `${states.active} active, ${states.suspended} suspended, ${states.provisioning} being made; ${states.deleting} on their way out do not count`,
        }
      : given('tenants', asked.tenants, '--tenants')
  const users: Assumption =
    asked.users !== null
      ? given('concurrent users', asked.users, '--users')
      : served === null
        ? unserved('concurrent users')
        : {
            ...{ what: 'concurrent users', value: grouped(load.concurrent_users ?? 0), source: 'measured' },
            why: `most connections open at once, in the hour of ${hour(served.connectionsAt)}: an upper bound, the most of each process that served at the time added up; behind a proxy its connections`,
          }
  const rate: Assumption =
    asked.requestsPerS !== null
      ? given('requests/s', asked.requestsPerS, '--rps')
      : served === null
        ? unserved('requests/s')
        : {
            ...{ what: 'requests/s', value: grouped(load.requests_per_s ?? 0), source: 'measured' },
            why: `the busiest second, in the hour of ${hour(served.peakAt)}: an upper bound, the busiest of each process that served at the time added up; ${counted(served.requests, 'request')} in ${counted(served.hours, 'hour')} since ${day(served.since)}`,
          }
  return [tenants, users, rate]
}

function growthAssumption({ growth }: Capacity): Assumption {
  const { perWeek, source, why } = growth
  const value = perWeek === null ? 'not known yet' : `${(perWeek * PERCENT).toFixed(1)} % a week, compound`
  return { what: 'growth', value, source: source === 'measured' ? 'catalog' : source, why }
}

function limitAssumptions({ limits, measured }: Capacity): Assumption[] {
  return PHASES.flatMap(({ name }) =>
    METRICS.map(metric => {
      const limit = limits[name][metric]
      return {
        what: `${name} carries`,
        value: `${grouped(limit.value)} ${metricWords(metric)}`,
        source: limit.from === 'guide' ? ('guide' as const) : ('measured' as const),
        why: limitWords(
          limit,
          measured.zeros.some(each => each.phase === name && each.metric === metric),
        ),
      }
    }),
  )
}

function limitWords({ from, guide, measured, measuredAt }: Limit, isZero: boolean): string {
  if (from === 'measured') return `measured here on ${day(measuredAt ?? 0)}; the guide says ${grouped(guide)}`
  const zero = '0 was measured here, which shows no capacity and does not count'
  if (from === 'phase before')
    return `as the phase before it, where more was measured; the guide says ${grouped(guide)}${isZero ? `; ${zero}` : ''}`
  if (measured === null) return `the guide's table; ${isZero ? zero : 'not measured here'}`
  return `the guide's table, for several servers; this one alone was measured with ${grouped(measured)}`
}

function benchAssumption({ measured }: Capacity): Assumption {
  const { results, elsewhere, newestAt } = measured
  const passedOver =
    elsewhere === 0 ? '' : `; ${elsewhere} measured with other drivers, on another machine, or by --url, do not count`
  if (newestAt === null) {
    return {
      what: 'last benchmark',
      value: 'none',
      source: 'unknown',
      why: `feedctl bench guide measures this machine${passedOver}`,
    }
  }
  const why = `${counted(results - elsewhere, 'result')} of feedctl bench guide and api under FEEDCTL_DATA${passedOver}`
  return { what: 'last benchmark', value: day(newestAt), source: 'measured', why }
}

function costAssumptions({ currency, phases }: Costs): Assumption[] {
  return PHASES.map(({ name }) => {
    const { from, to, parts, source } = phases[name]
    const sum = sumOfParts(phases[name])
    const list = parts.map(({ what, cost }) => `${what} ${money(cost)}`).join(' + ')
    const differs = parts.length > 0 && sum !== from ? `; its priced parts come to ${money(sum)}: ${list}` : ''
    return {
      what: `${name} costs`,
      value: `${money(from)}${to === null ? '' : ` to ${money(to)}`} ${currency} a month`,
      source: source === 'guide' ? ('guide' as const) : ('setting' as const),
      why: source === 'guide' ? `the guide's figure${differs}` : `FEEDCTL_COSTS${list === '' ? '' : `: ${list}`}`,
    }
  })
}

export function metricWords(metric: Metric): string {
  return { tenants: 'tenants', concurrent_users: 'concurrent users', requests_per_s: 'requests/s' }[metric]
}

function hour(at: number): string {
  return `${new Date(at).toISOString().slice(0, 13).replace('T', ' ')}h UTC`
}
