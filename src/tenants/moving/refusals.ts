import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { refuseMoveOfDbUser } from '../db-users.js'
import type { Tenant } from '../tenant.js'

/** @throws {Failure} MOVE_REFUSED for a tenant that is being made or removed, or whose database has a user of its own: that one would be left behind */
export async function refuseToMove(catalog: Catalog, tenant: Tenant): Promise<void> {
  const { slug, state } = tenant
  if (state !== 'active' && state !== 'suspended')
    throw new Failure('MOVE_REFUSED', `tenant ${slug} is ${state}`, { hint: `feedctl tenant show ${slug}` })
  await refuseMoveOfDbUser(catalog, tenant)
}
