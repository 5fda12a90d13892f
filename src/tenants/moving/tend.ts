import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Catalog } from '../catalog.js'
import { takenOver } from '../fence.js'
import type { TenantId, TenantSlug } from '../ids.js'
import { unlessLocked } from '../locks.js'
import { findTenant } from '../tenant.js'
import { clearFence, strayFences } from './fences.js'
import { giveUp, type Move, OPEN_STATES, openMoves } from './ledger.js'
import { finish, removeCopies, tidy, undo } from './leftovers.js'
import { withMoveLock } from './lock.js'

const MOVES_PER_PAGE = 200
/** A move that was begun, and that nobody went on with for so long, is taken back. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000

/** Pages of what is not ended, by number. */
async function* pagesOfOpen(catalog: Catalog): AsyncGenerator<readonly Move[], void> {
  for (let after = 0; ; ) {
    const page = await catalog.kysely
      .selectFrom('moves')
      .selectAll()
      .where('state', 'in', OPEN_STATES)
      .where('id', '>', after)
      .orderBy('id')
      .limit(MOVES_PER_PAGE)
      .execute()
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < MOVES_PER_PAGE) return
    after = last.id
  }
}

/**
 * The job that looks after moves: it lets the writers of tenants go on whose mover died, ends what was begun to be undone or removed, and removes old copies
 * whose time is over. One's failure, whatever it is, does not keep the others. Does nothing while another process does it.
 * @throws {Failure} PARTIAL; the signal's reason
 */
export async function tendMoves(catalog: Catalog, log: Log, signal: AbortSignal): Promise<void> {
  await unlessLocked(catalog, 'care of moves', log, async lost => {
    const either = AbortSignal.any([signal, lost])
    let failed = 0
    const tend = async (tenant: number, deed: () => Promise<void>) => {
      either.throwIfAborted()
      try {
        await deed()
      } catch (error) {
        either.throwIfAborted()
        if (isFailure(error, 'LOCKED')) return
        failed++
        log.warn('a move could not be looked after', { tenant, code: isFailure(error) ? error.code : null, why: wordsOf(error) })
      }
    }
    for await (const page of pagesOfOpen(catalog))
      for (const move of page)
        if (!needsNobody(move, Date.now())) await tend(move.tenant_id, () => tendOne(catalog, move, either))
    for (const { id, slug } of await strayFences(catalog, MOVES_PER_PAGE))
      await tend(id, () => withMoveLock(catalog, slug, either, () => clearStray(catalog, id)))
    if (failed > 0)
      throw new Failure('PARTIAL', `${failed} moves could not be looked after`, { hint: 'feedctl tenant move --list' })
  })
}

async function clearStray(catalog: Catalog, id: TenantId): Promise<void> {
  const tenant = await findTenant(catalog, id)
  if (tenant !== null) await clearFence(catalog, tenant)
}

function needsNobody({ state, holder, keep_until }: Move, now: number): boolean {
  return state === 'switched' && holder === null && (keep_until ?? 0) > now
}

async function tendOne(catalog: Catalog, { tenant_id }: Move, signal: AbortSignal): Promise<void> {
  const id = tenant_id as TenantId
  const known = await findTenant(catalog, id)
  // One that is gone has nobody else who would move it.
  const name = known?.slug ?? (`#${id}` as TenantSlug)
  await withMoveLock(catalog, name, signal, async either => {
    const tenant = await findTenant(catalog, id)
    if (tenant === null) {
      await removeCopies(catalog, id, either)
      return
    }
    await tidy(catalog, tenant, either)
    for (const move of await openMoves(catalog, id)) {
      if (move.state === 'switched' && (move.keep_until ?? 0) <= Date.now()) await finish(catalog, move, either)
      if (move.state !== 'copying' || !(await takeAway(catalog, move))) continue
      await clearFence(catalog, tenant)
      if (move.updated_at < Date.now() - GIVEN_UP_AFTER_MS) await undo(catalog, tenant, move, either)
    }
  })
}

/**
 * From here on its mover cannot switch, though it may only have been suspended: otherwise it would leave behind what writers were let write meanwhile. False when
 * it has switched by now. @throws {Failure} LOCKED when another goes on with it
 */
async function takeAway(catalog: Catalog, move: Move): Promise<boolean> {
  if (move.holder === null) return true
  const end = await giveUp(catalog, move, null)
  if (end === 'lost') throw takenOver(move.tenant_id)
  return end === 'given-up'
}
