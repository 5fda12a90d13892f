import type { HostRow } from '../../src/tenants/hosts/rows.js'

/** A host as `--json` shows it. */
export function hostView(host: Omit<HostRow, 'id' | 'address'> & { readonly address: string | null }) {
  const { name, address, username, state, weight, maxTenants, maxConnections, readAddress } = host
  return { name, address, username, state, weight, maxTenants, maxConnections, readAddress }
}

/** `open, weight 100, at most 500 tenants, at most 120 connections` */
export function hostWords({ state, weight, maxTenants, maxConnections, readAddress }: HostRow): string {
  return [
    state,
    `weight ${weight}`,
    maxTenants === null ? null : `at most ${maxTenants} tenants`,
    maxConnections === null ? null : `at most ${maxConnections} connections`,
    readAddress === null ? null : `reads from ${readAddress}`,
  ]
    .filter(words => words !== null)
    .join(', ')
}
