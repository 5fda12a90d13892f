import type { HostRow } from '../../src/tenants/hosts/rows.js'

/** A host as `--json` shows it. */
export function hostView(host: Omit<HostRow, 'id' | 'address'> & { readonly address: string | null }) {
  const { name, address, username, region, state, weight, maxTenants, maxConnections, readAddress } = host
  return { name, address, username, region, state, weight, maxTenants, maxConnections, readAddress }
}

/** `open, in eu, weight 100, at most 500 tenants, at most 120 connections` */
export function hostWords({ region, state, weight, maxTenants, maxConnections, readAddress }: HostRow): string {
  return [
    state,
    region === null ? null : `in ${region}`,
    `weight ${weight}`,
    maxTenants === null ? null : `at most ${maxTenants} tenants`,
    maxConnections === null ? null : `at most ${maxConnections} connections`,
    readAddress === null ? null : `reads from ${readAddress}`,
  ]
    .filter(words => words !== null)
    .join(', ')
}
