import type { HostStanding } from '../../tenants/hosts/standing.js'
import { type Check, fail, ok, onMysql, type Verdict, warn } from '../check.js'
import { counted, some } from '../words.js'

/** Near to full. */
const FULL_SHARE = 0.9

export const hostsAnswer: Check = {
  id: 'hosts.answer',
  blind: 'fail',
  run: async parts => {
    const standings = await parts.hostStandings()
    return standings === null ? ok('no catalog yet') : judgeAnswers(standings)
  },
}

/** The tenants of a host that is away are refused, those of the others are served. */
export function judgeAnswers(hosts: readonly Pick<HostStanding, 'name' | 'answers' | 'why' | 'tenants'>[]): Verdict {
  const away = hosts.filter(host => !host.answers)
  if (away.length === 0) return ok(`${counted(hosts.length, 'database host')}, all answer`)
  const tenants = away.reduce((sum, host) => sum + host.tenants, 0)
  const words = some(away.map(({ name, why }) => `${name} (${why})`))
  return fail(`${counted(tenants, 'tenant')} cannot be served: ${words}`, 'start the server, or feedctl host set --address')
}

export const hostsRoom: Check = {
  id: 'hosts.room',
  run: async parts => {
    const standings = await parts.hostStandings()
    return standings === null ? ok('no catalog yet') : judgeRoom(standings)
  },
}

export function judgeRoom(hosts: readonly Pick<HostStanding, 'name' | 'state' | 'weight' | 'tenants' | 'maxTenants'>[]): Verdict {
  const open = hosts.filter(host => host.state === 'open' && host.weight > 0)
  const roomy = open.filter(host => host.maxTenants === null || host.tenants < host.maxTenants)
  if (roomy.length === 0) return fail('no database host takes new tenants', 'feedctl host add, or feedctl host set --max-tenants')
  const near = open.filter(host => host.maxTenants !== null && host.tenants >= host.maxTenants * FULL_SHARE)
  const words = near.map(host => `${host.name} has ${host.tenants} of ${host.maxTenants} tenants`)
  if (near.length === open.length) return warn(some(words), 'feedctl host add, or feedctl host set --max-tenants')
  const left = hosts.filter(host => host.state === 'draining' && host.tenants > 0)
  if (left.length === 0) return ok(`${counted(roomy.length, 'host')} of ${hosts.length} take new tenants`)
  const [first] = left
  return warn(
    `draining, with tenants on it: ${some(left.map(host => `${host.name} (${host.tenants})`))}`,
    `feedctl tenant move --all-on ${first?.name} --to <host>, or feedctl host drain ${first?.name} --undo`,
  )
}

export const hostsBudget: Check = {
  id: 'hosts.budget',
  applies: onMysql,
  run: async parts => {
    const standings = await parts.hostStandings()
    return standings === null ? ok('no catalog yet') : judgeBudgets(standings)
  },
}

export function judgeBudgets(hosts: readonly Pick<HostStanding, 'name' | 'maxConnections' | 'leased' | 'processes'>[]): Verdict {
  const bounded = hosts.filter(host => host.maxConnections !== null)
  if (bounded.length === 0) return ok('no budgets: every process opens FEEDCTL_DB_POOL connections to each host')
  const words = bounded.map(
    ({ name, maxConnections, leased, processes }) =>
      `${name}: ${leased} of ${maxConnections} connections, ${processes} ${processes === 1 ? 'process' : 'processes'}`,
  )
  const tight = bounded.filter(host => host.processes >= (host.maxConnections ?? 0))
  if (tight.length === 0) return ok(some(words))
  return warn(
    `one connection for each process, or none: ${some(words)}`,
    `fewer processes, or feedctl host set ${tight[0]?.name} --connections N`,
  )
}
