import { isFailure } from '../../kernel/errors.js'
import { retry } from '../../kernel/retry.js'
import { DUMPED, tenantMoved, tenantMoving } from '../admission.js'
import type { Catalog } from '../catalog.js'
import type { TenantSchema } from '../databases/index.js'
import type { Tenant } from '../tenant.js'
import { bringUpToDate } from '../upgrade.js'

/** Writers under way may take as long as their longest transaction. */
const WRITERS_PATIENCE = { tries: 5, firstMs: 100, maxMs: 1_000 } as const

/**
 * Holds the writers of a hidden tenant off, so that a dump has all it will ever have: when it returns, nobody commits anything of it, in any process, until
 * `letWritersIn`; its removal goes on. Done again it is calm. @throws {Failure} TENANT_MOVING, TENANT_MOVED; UNAVAILABLE, also when a writer holds on for too long
 */
export async function holdWriters(catalog: Catalog, tenant: Tenant): Promise<void> {
  const row = await catalog.kysely.selectFrom('tenants').select('move_id').where('id', '=', tenant.id).executeTakeFirst()
  // Hidden, none begins any more.
  if ((row?.move_id ?? null) !== null) throw tenantMoving(tenant.id)
  await bringUpToDate(catalog, tenant)
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  const hold = () =>
    server.use<TenantSchema, void>(tenant.placement.database, async ({ kysely }) => {
      await kysely
        .updateTable('residents')
        .set({ fenced_by: DUMPED })
        .where('tenant_id', '=', tenant.id)
        .where('fenced_by', 'is', null)
        .execute()
      const there = await kysely.selectFrom('residents').select('fenced_by').where('tenant_id', '=', tenant.id).executeTakeFirst()
      if (there === undefined) throw tenantMoved(tenant.id)
      if (there.fenced_by !== DUMPED) throw tenantMoving(tenant.id)
    })
  await retry(hold, { ...WRITERS_PATIENCE, worthRetrying: error => isFailure(error, 'UNAVAILABLE') })
}

/** Takes away what a dump has held writers off with; calm where none did, and where there are no tables. @throws {Failure} UNAVAILABLE */
export async function letWritersIn(catalog: Catalog, { id, placement }: Tenant): Promise<void> {
  const server = await catalog.hosts.serverOf(placement.host)
  try {
    await server.use<TenantSchema, unknown>(placement.database, ({ kysely }) =>
      kysely
        .updateTable('residents')
        .set({ fenced_by: null })
        .where('tenant_id', '=', id)
        .where('fenced_by', '=', DUMPED)
        .execute(),
    )
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
  }
}
