import { Failure } from '../../kernel/errors.js'
import { DEFAULT_HOST } from './names.js'
import { type HostRow, noHost, noRegion } from './rows.js'

/** A host and how many tenants it has. */
export interface HostFill extends Pick<HostRow, 'id' | 'name' | 'weight' | 'maxTenants' | 'region' | 'state'> {
  readonly tenants: number
}

/** Which host a new tenant is to have; null, as not given, is any. Without a host, no region is that of `default`. */
export interface HostWanted {
  readonly host?: string | null
  readonly region?: string | null
}

/** Whether a tenant that is begun on the host is where it is wanted. */
export function isWanted({ host = null, region = null }: HostWanted, at: Pick<HostRow, 'name' | 'region'>): boolean {
  return host === null ? region === null || region === at.region : host === at.name
}

/**
 * A host for each of the new tenants, in their order: the one that was asked for by name, else the open one of the region with the fewest tenants for its weight, so
 * that the numbers of tenants come to be as the weights; a host of weight 0 gets none but by name. The refusal where none takes the tenant (HOST_NOT_FOUND,
 * HOST_FULL).
 */
export function spreadTenants(hosts: readonly HostFill[], wanted: readonly HostWanted[]): (HostFill | Failure)[] {
  const counts = new Map(hosts.map(host => [host.name, host.tenants]))
  const tenantsOf = ({ name }: HostFill) => counts.get(name) ?? 0
  const hasRoom = (host: HostFill) => host.state === 'open' && (host.maxTenants === null || tenantsOf(host) < host.maxTenants)
  const home = hosts.find(host => host.name === DEFAULT_HOST)?.region ?? null
  return wanted.map(({ host: name = null, region = null }) => {
    const asked = name === null ? null : hosts.find(host => host.name === name)
    if (asked === undefined) return noHost(name ?? '')
    const there = asked === null ? hosts.filter(host => host.region === (region ?? home)) : [asked]
    if (there.length === 0) return noRegion(region ?? '')
    const candidates = there.filter(host => (asked !== null || host.weight > 0) && hasRoom(host))
    const [first, ...others] = candidates
    if (first === undefined) return refusal(there, tenantsOf, asked, region)
    const chosen = others.reduce((best, host) => (loadWith(host) < loadWith(best) ? host : best), first)
    counts.set(chosen.name, tenantsOf(chosen) + 1)
    return chosen
  })

  /** What it would have for its weight with one more. */
  function loadWith(host: HostFill): number {
    return (tenantsOf(host) + 1) / Math.max(host.weight, 1)
  }
}

function refusal(
  hosts: readonly HostFill[],
  tenantsOf: (host: HostFill) => number,
  asked: HostFill | null,
  region: string | null,
): Failure {
  const words = hosts.map(host => {
    if (host.state === 'draining') return `${host.name} is draining`
    if (host.maxTenants !== null && tenantsOf(host) >= host.maxTenants) return `${host.name} has its ${host.maxTenants} tenants`
    return `${host.name} has weight 0`
  })
  const where = region === null ? '' : ` of ${region}`
  const who = asked === null ? `no database host${where} takes new tenants` : 'the database host takes no new tenants'
  const hint = asked === null ? 'feedctl host add, or feedctl host set --max-tenants' : 'feedctl host list'
  return new Failure('HOST_FULL', `${who}: ${words.slice(0, 5).join(', ')}`, { hint })
}
