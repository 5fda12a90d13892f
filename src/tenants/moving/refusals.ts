import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { Placement, Tenant } from '../tenant.js'

/** @throws {Failure} MOVE_REFUSED for a tenant that is being made or removed, or whose database has a user of its own: that one would be left behind */
export async function refuseToMove(catalog: Catalog, { id, slug, state }: Tenant): Promise<void> {
  if (state !== 'active' && state !== 'suspended')
    throw new Failure('MOVE_REFUSED', `tenant ${slug} is ${state}`, { hint: `feedctl tenant show ${slug}` })
  const row = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .select('placements.db_user')
    .where('tenants.id', '=', id)
    .executeTakeFirst()
  if ((row?.db_user ?? null) === null) return
  throw new Failure('MOVE_REFUSED', `the database of tenant ${slug} has a user of its own, who would be left behind`, {
    hint: `feedctl tenant db-user ${slug} --drop --yes`,
  })
}

/** Where it lives is never written to, nor removed, as a copy of it. */
export function livesThere(tenantId: number, { host, database }: Pick<Placement, 'host' | 'database'>): Failure {
  return new Failure('MOVE_REFUSED', `tenant ${tenantId} lives in ${host}/${database} already: nothing is done there`, {
    hint: `feedctl host list: the address of ${host} leads to where another host is`,
  })
}
