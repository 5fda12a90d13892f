import type { Selectable, Transaction, Updateable } from 'kysely'
import { Failure, isFailure } from '../../kernel/errors.js'
import { BRIEFLY, retry } from '../../kernel/retry.js'
import type { Catalog } from '../catalog.js'
import { contentColumns } from '../content-version.js'
import type { CatalogSchema, DialectName, MoveState, MovesTable } from '../databases/index.js'
import { takenOver } from '../fence.js'
import type { TenantId } from '../ids.js'
import type { Progress } from './copy.js'

export type Move = Selectable<MovesTable>

/** Moves of which something is left to do or to keep. */
export const OPEN_STATES = ['copying', 'undoing', 'switched', 'finishing'] as const

/** What is under way or kept of the tenant, the oldest first. */
export function openMoves(catalog: Catalog, tenantId: TenantId): Promise<Move[]> {
  return catalog.kysely
    .selectFrom('moves')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('state', 'in', OPEN_STATES)
    .orderBy('id')
    .execute()
}

/**
 * A new attempt. Each is a row of its own, so that one which was held up for long, and goes on, writes nothing into its successor's: that of `before` ends
 * here, and so does whatever kept an old copy in the placement that is written to from now on. One transaction.
 * @throws {Failure} MOVE_REFUSED for a tenant that is being removed: who removes it has seen all its moves
 */
export async function beginMove(
  catalog: Catalog,
  { tenantId, from, to, before, holder }: { tenantId: TenantId; from: number; to: number; before: Move | null; holder: string },
): Promise<Move> {
  const now = Date.now()
  const id = await catalog.kysely.transaction().execute(async transaction => {
    await holdTenant(transaction, catalog.database.dialect, tenantId)
    await transaction
      .updateTable('moves')
      .set({ state: 'resumed', holder: null, ended_at: now, updated_at: now })
      .where('tenant_id', '=', tenantId)
      .where('state', '=', 'copying')
      .execute()
    await transaction
      .updateTable('moves')
      .set({ state: 'finished', holder: null, ended_at: now, updated_at: now })
      .where('tenant_id', '=', tenantId)
      .where('state', '=', 'switched')
      .where('from_placement_id', '=', to)
      .execute()
    const row = { tenant_id: tenantId, from_placement_id: from, to_placement_id: to, state: 'copying' as const, holder }
    const times = { started_at: before?.started_at ?? now, updated_at: now }
    const made = await transaction
      .insertInto('moves')
      .values({ ...row, ...times, progress: before?.progress ?? null })
      .executeTakeFirstOrThrow()
    return Number(made.insertId)
  })
  return catalog.kysely.selectFrom('moves').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

/** Until the transaction ends nobody marks the tenant, or begins its removal. */
async function holdTenant(transaction: Transaction<CatalogSchema>, dialect: DialectName, tenantId: TenantId): Promise<void> {
  const query = transaction.selectFrom('tenants').select('state').where('id', '=', tenantId)
  // On SQLite a transaction has the file for itself.
  const row = await (dialect === 'sqlite' ? query : query.forUpdate()).executeTakeFirst()
  if (row?.state === 'active' || row?.state === 'suspended') return
  throw new Failure('MOVE_REFUSED', `tenant ${tenantId} is ${row?.state ?? 'not there any more'}`, {
    hint: 'feedctl tenant list',
  })
}

/** From one state to another, or within one. @throws {Failure} LOCKED when it is not in that state (any more) */
export async function advance(
  catalog: Catalog,
  move: Pick<Move, 'id' | 'tenant_id'>,
  from: MoveState,
  set: Updateable<MovesTable>,
): Promise<void> {
  const changed = await catalog.kysely
    .updateTable('moves')
    .set({ ...set, updated_at: Date.now() })
    .where('id', '=', move.id)
    .where('state', '=', from)
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n) throw takenOver(move.tenant_id)
}

/**
 * The catalog names the new placement from now on, the fence of the old one counts no more, and everyone who keeps answers is told: all in one transaction,
 * and only while this move is the one that holds the tenant. @throws {Failure} LOCKED, then nothing was changed
 */
export async function switchPlacement(catalog: Catalog, move: Move, keptUntilAt: number): Promise<void> {
  const now = Date.now()
  const attempt = () =>
    catalog.kysely.transaction().execute(async transaction => {
      const tenant = await transaction
        .updateTable('tenants')
        .set({
          placement_id: move.to_placement_id,
          move_id: null,
          next_sync_at: null,
          updated_at: now,
          ...contentColumns(catalog),
        })
        .where('id', '=', move.tenant_id)
        .where('placement_id', '=', move.from_placement_id)
        .where('move_id', '=', move.id)
        .executeTakeFirst()
      const noted = await transaction
        .updateTable('moves')
        .set({ state: 'switched', progress: null, switched_at: now, keep_until: keptUntilAt, updated_at: now })
        .where('id', '=', move.id)
        .where('state', '=', 'copying')
        .where('holder', '=', move.holder)
        .executeTakeFirst()
      if (tenant.numUpdatedRows !== 1n || noted.numUpdatedRows !== 1n) throw takenOver(move.tenant_id)
    })
  await retry(attempt, { ...BRIEFLY, worthRetrying: error => isFailure(error, 'UNAVAILABLE') })
}

/** Until when the old copy is kept; null for none, and for one whose move has not switched. */
export async function keptUntil(catalog: Catalog, move: Pick<Move, 'id'>): Promise<number | null> {
  const row = await catalog.kysely
    .selectFrom('moves')
    .select(['state', 'keep_until'])
    .where('id', '=', move.id)
    .executeTakeFirst()
  return row?.state === 'switched' ? row.keep_until : null
}

/**
 * Gives the attempt up, so that it cannot switch any more, whatever of it is still on its way to the catalog. `switched`: it had done so already; `lost`:
 * another attempt took over. @throws {Failure} UNAVAILABLE, then nobody knows
 */
export async function giveUp(catalog: Catalog, move: Move, failure: Failure | null): Promise<'given-up' | 'switched' | 'lost'> {
  const words = { failure_code: failure?.code ?? null, failure_message: failure?.message ?? null }
  const changed = await catalog.kysely
    .updateTable('moves')
    .set({ ...words, holder: null, updated_at: Date.now() })
    .where('id', '=', move.id)
    .where('state', '=', 'copying')
    .where('holder', '=', move.holder)
    .executeTakeFirst()
  if (changed.numUpdatedRows > 0n) return 'given-up'
  const row = await catalog.kysely.selectFrom('moves').select('state').where('id', '=', move.id).executeTakeFirst()
  return row?.state === 'switched' ? 'switched' : 'lost'
}

/** Forgets moves that ended before; answers how many there were. */
export async function forgetMoves(catalog: Catalog, before: number): Promise<number> {
  const forgotten = await catalog.kysely.deleteFrom('moves').where('ended_at', '<', before).executeTakeFirst()
  return Number(forgotten.numDeletedRows)
}

export function progressOf({ progress }: Move): Progress {
  return progress === null ? {} : (JSON.parse(progress) as Progress)
}
