import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { Tenant } from '../tenant.js'

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
    hint: `feedctl tenant db-user ${slug} --drop`,
  })
}
