import { Failure, isFailure } from '../kernel/errors.js'
import { retry } from '../kernel/retry.js'
import { tenantMoved, tenantMoving } from './admission.js'
import type { Catalog } from './catalog.js'
import { contentColumns } from './content-version.js'
import type { OpenDatabase, TenantSchema } from './databases/index.js'
import type { TenantId } from './ids.js'
import { type TenantTables, withTablesOf } from './tables.js'
import type { Placement, Tenant } from './tenant.js'

/** For a move that has lost the tenant to another undertaking. */
export function takenOver(tenantId: number): Failure {
  return new Failure('LOCKED', `another process works on the move of tenant ${tenantId} by now`, {
    hint: 'feedctl tenant move --list',
  })
}

/** Where rows of a tenant are, or are to be. */
export type Place = Pick<Tenant, 'id' | 'placement' | 'schemaVersion'>

/** Writers under way may take as long as their longest transaction. */
const WRITERS_PATIENCE = { tries: 5, firstMs: 100, maxMs: 1_000 } as const

/**
 * Holds the tenant's writers and jobs off, for this move. When it returns, nobody who is not this move's commits anything in that placement, in any process, until
 * `liftFence` or `leave`; those who read go on. Done again it is calm; killed between its two steps jobs are held and writers are not, and the next call goes on.
 * @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE (neither active nor suspended), TENANT_MOVING (by another move), TENANT_MOVED (it lives elsewhere),
 * LOCKED (the move is not one that copies from where it lives, any more), UNAVAILABLE, also when a writer holds on for too long
 */
export async function fenceTenant(catalog: Catalog, tenant: Place, moveId: number): Promise<void> {
  await holdJobs(catalog, tenant.id, moveId)
  await retry(
    () =>
      inResidence(catalog, tenant.placement, async database => {
        await database.kysely
          .updateTable('residents')
          .set({ fenced_by: moveId })
          .where('tenant_id', '=', tenant.id)
          .where('fenced_by', 'is', null)
          .execute()
        await expectFence(catalog, tenant, moveId)
      }),
    { ...WRITERS_PATIENCE, worthRetrying: error => isFailure(error, 'UNAVAILABLE') },
  )
}

/**
 * Lets the tenant's writers and jobs go on where its rows are by now, and has it synced at once. Calm where the fence is another's, or nobody's.
 * Writers come first: killed in between, jobs are held until the next call.
 */
export async function liftFence(catalog: Catalog, tenant: Place, moveId: number): Promise<void> {
  await inResidence(catalog, tenant.placement, ({ kysely }) =>
    kysely
      .updateTable('residents')
      .set({ fenced_by: null })
      .where('tenant_id', '=', tenant.id)
      .where('fenced_by', '=', moveId)
      .execute(),
  )
  await catalog.kysely
    .updateTable('tenants')
    .set({ move_id: null, next_sync_at: null, updated_at: Date.now(), ...contentColumns(catalog) })
    .where('id', '=', tenant.id)
    .where('move_id', '=', moveId)
    .execute()
}

/**
 * Takes the tenant out of the residents of a placement that this move fenced: whoever still takes its rows there for the tenant's is refused with TENANT_MOVED,
 * for ever. The rows stay. Calm when it was done before.
 */
export async function leave(catalog: Catalog, tenant: Place, moveId: number): Promise<void> {
  await inResidence(catalog, tenant.placement, ({ kysely }) =>
    kysely.deleteFrom('residents').where('tenant_id', '=', tenant.id).where('fenced_by', '=', moveId).execute(),
  )
}

/** As `withTenant`, for the removal of a tenant: its transactions have the tenant for themselves, and go on where it was removed before. */
export function withRemoval<T>(catalog: Catalog, tenant: Place, deed: (tables: TenantTables) => Promise<T>): Promise<T> {
  return withTablesOf(catalog, tenant, { admission: { as: 'remover' } }, deed)
}

/** The move that holds the tenant's writers off there; null when none does, undefined when the tenant does not live there. */
export function fenceOf(catalog: Catalog, { id, placement }: Place): Promise<number | null | undefined> {
  return inResidence(catalog, placement, async ({ kysely }) => {
    const row = await kysely.selectFrom('residents').select('fenced_by').where('tenant_id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : row.fenced_by
  })
}

async function expectFence(catalog: Catalog, tenant: Place, moveId: number): Promise<void> {
  const fence = await fenceOf(catalog, tenant)
  if (fence === undefined) throw tenantMoved(tenant.id)
  if (fence !== moveId) throw tenantMoving(tenant.id)
}

async function inResidence<T>(
  catalog: Catalog,
  { host, database }: Placement,
  deed: (database: OpenDatabase<TenantSchema>) => Promise<T>,
): Promise<T> {
  return (await catalog.hosts.serverOf(host)).use<TenantSchema, T>(database, deed)
}

async function holdJobs(catalog: Catalog, id: TenantId, moveId: number): Promise<void> {
  const held = await catalog.kysely
    .updateTable('tenants')
    .set({ move_id: moveId, updated_at: Date.now() })
    .where('id', '=', id)
    .where('state', 'in', ['active', 'suspended'])
    .where(eb => eb.or([eb('move_id', 'is', null), eb('move_id', '=', moveId)]))
    // A mover that was held up for long may come after others have moved the tenant on: nobody would lift its fence.
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('moves')
          .select('moves.id')
          .where('moves.id', '=', moveId)
          .whereRef('moves.tenant_id', '=', 'tenants.id')
          .where('moves.state', '=', 'copying')
          .whereRef('moves.from_placement_id', '=', 'tenants.placement_id'),
      ),
    )
    .executeTakeFirst()
  if (held.numUpdatedRows > 0n) return
  const row = await catalog.kysely
    .selectFrom('tenants')
    .select(['slug', 'state', 'move_id'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new Failure('TENANT_NOT_FOUND', `there is no tenant ${id}`, { hint: 'feedctl tenant list' })
  if (row.move_id !== null && row.move_id !== moveId) throw tenantMoving(id)
  if (row.state === 'active' || row.state === 'suspended') throw takenOver(id)
  throw new Failure('TENANT_WRONG_STATE', `tenant ${row.slug} is ${row.state}`, { hint: `feedctl tenant show ${row.slug}` })
}
