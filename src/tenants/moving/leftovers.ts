import { randomInt } from 'node:crypto'
import { sleep } from '../../kernel/clock.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { TenantSchema } from '../databases/index.js'
import { dropDbUser } from '../db-users.js'
import { leave } from '../fence.js'
import type { TenantId } from '../ids.js'
import { hasOtherTenants } from '../placement-tenants.js'
import { findTenant, type Tenant } from '../tenant.js'
import { clearFence } from './fences.js'
import { emptyPlace, holdPlace } from './holding.js'
import { advance, type Move, openMoves } from './ledger.js'
import { isOurs, type Spot, spotOf } from './targets.js'

/** So long after a switch processes that have not heard of it may still read the old copy, ms: they look every second. */
const HEARD_AFTER_MS = 10_000

/** Ends what an earlier attempt was killed in, except for its copy. For who holds the lock of the tenant's moves. @throws {Failure} UNAVAILABLE */
export async function tidy(catalog: Catalog, tenant: Tenant, signal: AbortSignal): Promise<void> {
  for (const move of await openMoves(catalog, tenant.id)) {
    if (move.state === 'undoing') await undo(catalog, tenant, move, signal)
    if (move.state === 'finishing') await finish(catalog, move, signal)
    if (move.state === 'switched' && move.holder !== null) await settle(catalog, move)
  }
}

/** After the switch: who still takes the old copy for the tenant's rows is told so, for ever. Done twice it is calm. */
export async function settle(catalog: Catalog, move: Move): Promise<void> {
  const placement = await spotOf(catalog, move.from_placement_id)
  const place = { id: move.tenant_id as TenantId, placement, schemaVersion: placement.schemaVersion }
  await leave(catalog, place, move.id)
  await advance(catalog, move, 'switched', { holder: null })
}

/** Takes a move back before its switch: the tenant, if there still is one, is written where it was, and the half copy goes. Killed at any point, the same call goes on. */
export async function undo(catalog: Catalog, tenant: Tenant | null, move: Move, signal: AbortSignal): Promise<void> {
  if (move.state !== 'undoing') await advance(catalog, move, 'copying', { state: 'undoing' })
  if (tenant !== null) await clearFence(catalog, tenant)
  await removeCopy(catalog, move.tenant_id as TenantId, await spotOf(catalog, move.to_placement_id), signal)
  await advance(catalog, move, 'undoing', { state: 'undone', progress: null, holder: null, ended_at: Date.now() })
}

/** Removes the old copy that a switched move has left, as soon as nobody reads it any more. Killed at any point, the same call goes on. */
export async function finish(catalog: Catalog, move: Move, signal: AbortSignal): Promise<void> {
  const stillReadMs = (move.switched_at ?? 0) + HEARD_AFTER_MS - Date.now()
  if (stillReadMs > 0) await sleep(Math.min(stillReadMs, HEARD_AFTER_MS), signal)
  if (move.state === 'switched') await advance(catalog, move, 'switched', { state: 'finishing' })
  await removeCopy(catalog, move.tenant_id as TenantId, await spotOf(catalog, move.from_placement_id), signal)
  await advance(catalog, move, 'finishing', { state: 'finished', holder: null, ended_at: Date.now() })
}

/** A database of its own goes as a whole, of a shared one the tenant's rows; never where the tenant lives, and nothing that is not this installation's. */
async function removeCopy(catalog: Catalog, tenantId: TenantId, spot: Spot, signal: AbortSignal): Promise<void> {
  await refuseHome(catalog, tenantId, spot)
  if (!(await isOurs(catalog, spot))) return
  const server = await catalog.hosts.serverOf(spot.host)
  if (spot.kind === 'dedicated') {
    if (await hasOtherTenants(catalog, spot.id, tenantId)) return
    // First of all: a placement that is left over must not pass for one whose tables are there.
    await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('id', '=', spot.id).execute()
    await refuseHome(catalog, tenantId, spot)
    await dropDbUser(catalog, spot)
    await server.drop(spot.database)
    return
  }
  const holder = -randomInt(1, 2 ** 47)
  try {
    await server.use<TenantSchema, void>(spot.database, async database => {
      const place = { database, tenantId }
      await holdPlace(place, holder)
      await refuseHome(catalog, tenantId, spot)
      await emptyPlace(place, holder, signal)
    })
  } catch (error) {
    if (!isFailure(error, 'SCHEMA_MISSING')) throw error
  }
}

async function refuseHome(catalog: Catalog, tenantId: TenantId, spot: Spot): Promise<void> {
  const row = await catalog.kysely.selectFrom('tenants').select('placement_id').where('id', '=', tenantId).executeTakeFirst()
  if (row?.placement_id !== spot.id) return
  throw new Failure('MOVE_REFUSED', `tenant ${tenantId} lives in ${spot.host}/${spot.database}: nothing is removed there`)
}

/** What a tenant has elsewhere than where it lives: old copies, and the half copy of a move that is under way. */
export interface OldCopy {
  readonly moveId: number
  readonly placement: Spot
  /** `half` until the switch. */
  readonly kind: 'half' | 'old'
  /** When an old copy goes by itself, epoch ms. */
  readonly keptUntilAt: number | null
}

export async function oldCopiesOf(catalog: Catalog, tenantId: TenantId): Promise<OldCopy[]> {
  const moves = await openMoves(catalog, tenantId)
  return Promise.all(
    moves.map(async move => {
      const isOld = move.state === 'switched' || move.state === 'finishing'
      const placement = await spotOf(catalog, isOld ? move.from_placement_id : move.to_placement_id)
      return { moveId: move.id, placement, kind: isOld ? 'old' : 'half', keptUntilAt: move.keep_until } as const
    }),
  )
}

/**
 * Removes all of them, for a tenant whose removal has begun; a move that is under way is taken back. For who holds the lock of its moves. Answers what
 * was there. @throws {Failure} UNAVAILABLE; the next call goes on
 */
export async function removeCopies(catalog: Catalog, tenantId: TenantId, signal: AbortSignal): Promise<OldCopy[]> {
  const copies = await oldCopiesOf(catalog, tenantId)
  const tenant = await findTenant(catalog, tenantId)
  for (const move of await openMoves(catalog, tenantId)) {
    const half = move.state === 'copying' || move.state === 'undoing'
    if (half) await undo(catalog, tenant, move, signal)
    else await finish(catalog, { ...move, switched_at: null }, signal)
  }
  return copies
}
