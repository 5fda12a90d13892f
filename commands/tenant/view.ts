import type { Tenant } from '../../src/tenants/tenant.js'

/** A tenant as `--json` shows it. */
export function tenantView(tenant: Tenant) {
  const { id, slug, name, state, placement, deleteAfterAt, createdAt } = tenant
  return { id, slug, name, state, placement, deleteAfterAt, createdAt }
}

/** `dedicated, default/tenant_acme` */
export function placementWords({ placement }: Pick<Tenant, 'placement'>): string {
  const { kind, host, database } = placement
  return `${kind}, ${host}/${database}`
}
