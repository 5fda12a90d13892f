import { Failure } from '../../kernel/errors.js'
import { type HostRow, noHost } from './rows.js'

/** A host and how many tenants it has. */
export interface HostFill extends Pick<HostRow, 'id' | 'name' | 'weight' | 'maxTenants' | 'state'> {
  readonly tenants: number
}

/**
 * A host for each of the new tenants, in their order: the one that was asked for by name, else (null) the open one with the fewest tenants for its weight, so
 * that the numbers of tenants come to be as the weights; a host of weight 0 gets none but by name. The refusal where none takes the tenant (HOST_NOT_FOUND,
 * HOST_FULL).
 */
export function spreadTenants(hosts: readonly HostFill[], wanted: readonly (string | null)[]): (HostFill | Failure)[] {
  const counts = new Map(hosts.map(host => [host.name, host.tenants]))
  const tenantsOf = ({ name }: HostFill) => counts.get(name) ?? 0
  const hasRoom = (host: HostFill) => host.state === 'open' && (host.maxTenants === null || tenantsOf(host) < host.maxTenants)
  return wanted.map(name => {
    const asked = name === null ? null : hosts.find(host => host.name === name)
    if (asked === undefined) return noHost(name ?? '')
    const candidates = (asked === null ? hosts.filter(host => host.weight > 0) : [asked]).filter(hasRoom)
    const [first, ...others] = candidates
    if (first === undefined) return refusal(asked === null ? hosts : [asked], tenantsOf, asked)
    const chosen = others.reduce((best, host) => (loadWith(host) < loadWith(best) ? host : best), first)
    counts.set(chosen.name, tenantsOf(chosen) + 1)
    return chosen
  })

  /** What it would have for its weight with one more. */
  function loadWith(host: HostFill): number {
    return (tenantsOf(host) + 1) / Math.max(host.weight, 1)
  }
}

function refusal(hosts: readonly HostFill[], tenantsOf: (host: HostFill) => number, asked: HostFill | null): Failure {
  const words = hosts.map(host => {
    if (host.state === 'draining') return `${host.name} is draining`
    if (host.maxTenants !== null && tenantsOf(host) >= host.maxTenants) return `${host.name} has its ${host.maxTenants} tenants`
    return `${host.name} has weight 0`
  })
  const who = asked === null ? 'no database host takes new tenants' : 'the database host takes no new tenants'
  const hint = asked === null ? 'feedctl host add, or feedctl host set --max-tenants' : 'feedctl host list'
  return new Failure('HOST_FULL', `${who}: ${words.slice(0, 5).join(', ')}`, { hint })
}
