import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { TenantSlug } from '../ids.js'
import { getTenant, type Placement, type Tenant } from '../tenant.js'
import { openMoves } from './ledger.js'
import { finish, type OldCopy, removeCopies, tidy, undo } from './leftovers.js'
import { withMoveLock } from './lock.js'
import { findSpot, placementAt } from './targets.js'

/** What became of the request. */
export interface Settled {
  readonly tenant: TenantSlug
  /** `there`: of one of many, there was nothing to take back or remove. */
  readonly outcome: 'undone' | 'finished' | 'there'
  /** What was removed. */
  readonly removed: readonly Placement[]
}

/** Takes a move back that has not switched; killed at any point, the same call goes on. @throws {Failure} MOVE_NOT_FOUND, MOVE_REFUSED, LOCKED, UNAVAILABLE */
export function undoMove(catalog: Catalog, slug: TenantSlug, signal: AbortSignal): Promise<Settled> {
  return withMoveLock(catalog, slug, signal, async either => {
    const tenant = await getTenant(catalog, slug)
    const moves = await openMoves(catalog, tenant.id)
    const begun = moves.find(move => move.state === 'copying' || move.state === 'undoing')
    if (begun === undefined && moves.length > 0)
      throw new Failure('MOVE_REFUSED', `tenant ${slug} has moved already`, { hint: `feedctl tenant move ${slug} --back` })
    if (begun === undefined)
      throw new Failure('MOVE_NOT_FOUND', `no move of tenant ${slug} is under way`, { hint: 'feedctl tenant move --list' })
    await tidy(catalog, tenant, either)
    const spot = await findSpot(catalog, begun.to_placement_id)
    if (begun.state === 'copying') await undo(catalog, tenant, begun, either)
    return { tenant: slug, outcome: 'undone', removed: spot === null ? [] : [placementAt(spot)] }
  })
}

/**
 * Removes the old copies of a tenant before their time, all of them or those on one host; killed at any point, the same call goes on.
 * @throws {Failure} MOVE_NOT_FOUND, LOCKED, UNAVAILABLE
 */
export function finishMoves(
  catalog: Catalog,
  slug: TenantSlug,
  signal: AbortSignal,
  host: string | null = null,
): Promise<Settled> {
  return withMoveLock(catalog, slug, signal, async either => {
    const tenant = await getTenant(catalog, slug)
    const removed: Placement[] = []
    let kept = 0
    for (const move of await openMoves(catalog, tenant.id)) {
      if (move.state !== 'switched' && move.state !== 'finishing') continue
      const spot = await findSpot(catalog, move.from_placement_id)
      if (host !== null && spot?.host !== host) continue
      kept++
      if ((await finish(catalog, move, either)) && spot !== null) removed.push(placementAt(spot))
    }
    if (kept === 0)
      throw new Failure('MOVE_NOT_FOUND', `no old copy of tenant ${slug} is kept${host === null ? '' : ` on ${host}`}`, {
        hint: `feedctl tenant show ${slug}`,
      })
    return { tenant: slug, outcome: 'finished', removed }
  })
}

/**
 * Removes what a tenant, whose removal has begun, has elsewhere than where it lives: old copies of its moves, and the half copy of one that is under way, which
 * is taken back. Answers what was there; killed at any point, the next call goes on. @throws {Failure} LOCKED while a process moves it, UNAVAILABLE
 */
export function removeOldCopies(catalog: Catalog, tenant: Pick<Tenant, 'id' | 'slug'>, signal: AbortSignal): Promise<OldCopy[]> {
  return withMoveLock(catalog, tenant.slug, signal, either => removeCopies(catalog, tenant.id, either))
}
