import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { refuseMoveOfDbUser } from '../db-users.js'
import type { Placement, Tenant } from '../tenant.js'

/** @throws {Failure} MOVE_REFUSED for a tenant that is being made or removed, or whose database has a user of its own: that one would be left behind */
export async function refuseToMove(catalog: Catalog, tenant: Tenant): Promise<void> {
  const { slug, state } = tenant
  if (state !== 'active' && state !== 'suspended')
    throw new Failure('MOVE_REFUSED', `tenant ${slug} is ${state}`, { hint: `feedctl tenant show ${slug}` })
  await refuseMoveOfDbUser(catalog, tenant)
}

/** Where it lives is never written to, nor removed, as a copy of it. */
export function livesThere(tenantId: number, { host, database }: Pick<Placement, 'host' | 'database'>): Failure {
  return new Failure('MOVE_REFUSED', `tenant ${tenantId} lives in ${host}/${database} already: nothing is done there`, {
    hint: `feedctl host list: the address of ${host} leads to where another host is`,
  })
}
