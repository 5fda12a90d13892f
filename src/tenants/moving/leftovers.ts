import { randomInt } from 'node:crypto'
import { sleep } from '../../kernel/clock.js'
import { isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { type DatabaseOwner, isSeenAsAnothers, ownerAt } from '../database-owner.js'
import type { TenantSchema } from '../databases/index.js'
import { dbUserOf, dropDbUser } from '../db-users.js'
import { leave, takenOver } from '../fence.js'
import type { TenantId } from '../ids.js'
import { hasOtherTenants } from '../placement-tenants.js'
import { findTenant, type Tenant } from '../tenant.js'
import { clearFence } from './fences.js'
import { emptyPlace, holdElsewhere } from './holding.js'
import { advance, type Move, openMoves } from './ledger.js'
import { livesThere } from './refusals.js'
import { findSpot, type Spot } from './targets.js'

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
  const placement = await findSpot(catalog, move.from_placement_id)
  const id = move.tenant_id as TenantId
  if (placement !== null) await leave(catalog, { id, placement, schemaVersion: placement.schemaVersion }, move.id)
  await advance(catalog, move, 'switched', { holder: null })
}

/** Takes a move back before its switch: the tenant, if there still is one, is written where it was, and the half copy goes. Killed at any point, the same call goes on. */
export async function undo(catalog: Catalog, tenant: Tenant | null, move: Move, signal: AbortSignal): Promise<void> {
  if (move.state !== 'undoing') await advance(catalog, move, 'copying', { state: 'undoing' })
  if (tenant !== null) await clearFence(catalog, tenant)
  await removeCopy(catalog, move, move.to_placement_id, signal)
  await advance(catalog, move, 'undoing', { state: 'undone', progress: null, holder: null, ended_at: Date.now() })
}

/**
 * Removes the old copy that a switched move has left, as soon as nobody reads it any more. Killed at any point, the same call goes on. False when there is none:
 * the tenant lives there, since two hosts became one server.
 */
export async function finish(catalog: Catalog, move: Move, signal: AbortSignal): Promise<boolean> {
  const stillReadMs = (move.switched_at ?? 0) + HEARD_AFTER_MS - Date.now()
  if (stillReadMs > 0) await sleep(Math.min(stillReadMs, HEARD_AFTER_MS), signal)
  if (move.state === 'switched') await advance(catalog, move, 'switched', { state: 'finishing' })
  const removed = await removeCopy(catalog, move, move.from_placement_id, signal)
  await advance(catalog, move, 'finishing', { state: 'finished', holder: null, ended_at: Date.now() })
  return removed
}

/**
 * A database of its own goes as a whole, of a shared one the tenant's rows; never where the tenant lives, whatever number or host that has in the catalog, and
 * nothing that is not this installation's. False when it is where the tenant lives: then nothing was removed.
 */
async function removeCopy(catalog: Catalog, move: Move, placementId: number, signal: AbortSignal): Promise<boolean> {
  const tenantId = move.tenant_id as TenantId
  const spot = await findSpot(catalog, placementId)
  if (spot === null) return true
  await refuseHome(catalog, tenantId, spot)
  const owner = await ownerOfCopy(catalog, spot)
  if (owner === 'missing') await noteGone(catalog, spot)
  if (owner === 'missing' || owner === 'others') return true
  const holder = -randomInt(1, 2 ** 47)
  const server = await catalog.hosts.serverOf(spot.host)
  const isElsewhere = await server
    .use<TenantSchema, boolean>(spot.database, async database => {
      const place = { database, tenantId }
      if (!(await holdElsewhere(catalog, place, holder))) return false
      if (spot.kind === 'dedicated') return true
      await refuseHome(catalog, tenantId, spot)
      await emptyPlace(place, holder, signal)
      return true
    })
    // Its tables were never finished: nobody lives there.
    .catch(error => (isFailure(error, 'SCHEMA_MISSING') ? true : Promise.reject(error)))
  const user = await dbUserOf(catalog, spot)
  if (!isElsewhere || spot.kind === 'shared' || (await hasOtherTenants(catalog, spot.id, tenantId))) return isElsewhere
  // First of all: a placement that is left over must not pass for one whose tables are there.
  await noteGone(catalog, spot)
  if (user !== null) await dropDbUser(catalog, spot, user)
  await refuseOvertaken(catalog, move, spot, signal)
  // What is left is the time that the statement takes to the server: whoever is held up for longer is held up before it.
  await server.drop(spot.database)
  return true
}

/** Where its drop was begun it may be dropped by half, its ledger first: then only a ledger that names another installation makes it that one's. */
async function ownerOfCopy(catalog: Catalog, spot: Spot): Promise<DatabaseOwner> {
  const owner = await ownerAt(catalog, spot)
  if (owner !== 'others' || !(await isNotedGone(catalog, spot))) return owner
  return (await isSeenAsAnothers(catalog, spot)) ? 'others' : 'ours'
}

/** `vacated_at` is null of a placement that a tenant comes to, so that of an open move's it is what `noteGone` has written since. */
async function isNotedGone({ kysely }: Catalog, { id }: Spot): Promise<boolean> {
  const noted = kysely.selectFrom('placements').select('id').where('id', '=', id)
  const row = await noted.where('kind', '=', 'dedicated').where('vacated_at', 'is not', null).executeTakeFirst()
  return row !== undefined
}

/** The placement has no tables (any more), unless a tenant lives there; its name is forgotten later. */
async function noteGone(catalog: Catalog, { id, kind }: Spot): Promise<void> {
  const vacated = kind === 'dedicated' ? { vacated_at: Date.now() } : {}
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: 0, ...vacated })
    .where('id', '=', id)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('tenants').select('tenants.id').whereRef('tenants.placement_id', '=', 'placements.id'))),
    )
    .execute()
}

/** @throws {Failure} LOCKED when another process went on with the move meanwhile, MOVE_REFUSED; the signal's reason */
async function refuseOvertaken(catalog: Catalog, move: Move, spot: Spot, signal: AbortSignal): Promise<void> {
  const row = await catalog.kysely
    .selectFrom('moves')
    .select('id')
    .where('id', '=', move.id)
    .where('state', 'in', ['undoing', 'finishing'])
    .executeTakeFirst()
  if (row === undefined) throw takenOver(move.tenant_id)
  await refuseHome(catalog, move.tenant_id as TenantId, spot)
  signal.throwIfAborted()
}

async function refuseHome(catalog: Catalog, tenantId: TenantId, spot: Spot): Promise<void> {
  const row = await catalog.kysely.selectFrom('tenants').select('placement_id').where('id', '=', tenantId).executeTakeFirst()
  if (row?.placement_id === spot.id) throw livesThere(tenantId, spot)
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

async function oldCopiesOf(catalog: Catalog, tenantId: TenantId): Promise<OldCopy[]> {
  const copies: OldCopy[] = []
  for (const move of await openMoves(catalog, tenantId)) {
    const isOld = move.state === 'switched' || move.state === 'finishing'
    const placement = await findSpot(catalog, isOld ? move.from_placement_id : move.to_placement_id)
    if (placement === null) continue
    copies.push({ moveId: move.id, placement, kind: isOld ? 'old' : 'half', keptUntilAt: move.keep_until })
  }
  return copies
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
