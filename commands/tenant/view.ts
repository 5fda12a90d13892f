import type { Tenant } from '../../src/tenants/tenant.js'

/** A tenant as `--json` shows it. */
export function tenantView(tenant: Tenant) {
  const { id, slug, name, state, placement, deleteAfterAt, createdAt } = tenant
  return { id, slug, name, state, placement, deleteAfterAt, createdAt }
}

/** `dedicated, default/tenant_acme` */
export function placementWords(tenant: Tenant): string {
  const { kind, host, database } = tenant.placement
  return `${kind}, ${host}/${database}`
}
