import { Failure, isFailure } from '../../kernel/errors.js'
import { newHolder } from '../../kernel/holder.js'
import type { Catalog } from '../catalog.js'
import type { TenantSchema } from '../databases/index.js'
import { refuseMoveOfDbUser } from '../db-users.js'
import { fenceTenant, liftFence } from '../fence.js'
import { inTurn, refuseNewTenant } from '../hosts/placing.js'
import type { TenantSlug } from '../ids.js'
import { getTenant, type Placement, type Tenant } from '../tenant.js'
import { bringUpToDate } from '../upgrade.js'
import { copyRows, type Progress, verifyRows, type Way } from './copy.js'
import { clearFence } from './fences.js'
import { holdElsewhere, openPlace } from './holding.js'
import { advance, beginMove, giveUp, keptUntil, type Move, openMoves, progressOf, switchPlacement } from './ledger.js'
import { settle, tidy, undo } from './leftovers.js'
import { withMoveLock } from './lock.js'
import { livesThere, refuseToMove } from './refusals.js'
import { placementAt, prepareSpot, type Spot, spotFor, spotOf, type Wish, wishedFor } from './targets.js'

/** Between two notes of how far a copy is, ms. */
const NOTE_EVERY_MS = 1_000

export interface MoveOptions {
  /** How long the old copy is kept, ms. */
  readonly keepMs: number
  readonly signal: AbortSignal
  /** Told of every portion that was copied. */
  readonly onRows?: (rows: number) => void
}

/** What became of the move of one tenant. */
export interface Moved {
  readonly tenant: TenantSlug
  readonly from: Placement
  readonly to: Placement
  /** `there`: it was there already, and nothing was done. */
  readonly outcome: 'moved' | 'there'
  /** Null when nobody knows: it had switched, and the answer was lost. */
  readonly rows: number | null
  readonly durationMs: number
  /** How long its writers were held off; null as `rows`. */
  readonly fencedMs: number | null
  /** When the old copy may be removed, epoch ms; null when there is none. */
  readonly keptUntilAt: number | null
}

/**
 * Moves a tenant: copies its rows while it is written, then holds its writers off until what differs is brought alike, both sides have the same rows by count and
 * digest, and the catalog names the new placement. Reads go on all the while. Killed at any point, the same call goes on, and `undoMove` takes it back.
 * A refusal that time does not mend takes it back at once; after one that it may, the tenant is written as before, and the same call goes on.
 * @throws {Failure} MOVE_REFUSED, MOVE_MISMATCH (it is as before), LOCKED, HOST_NOT_FOUND, HOST_FULL, DATABASE_TAKEN, UNAVAILABLE, the signal's reason
 */
export function moveTenant(catalog: Catalog, prefix: string, slug: TenantSlug, wish: Wish, options: MoveOptions): Promise<Moved> {
  return withMoveLock(catalog, slug, options.signal, async signal => {
    const { tenant, before } = await standing(catalog, slug, signal)
    if (before !== null) await refuseOtherTarget(catalog, tenant, before, wish)
    const { host, kind } = wishedFor(tenant, wish)
    if (before === null && host === tenant.placement.host && kind === tenant.placement.kind) return isThere(tenant)
    const begun =
      before === null
        ? await inTurn(catalog, async () => begin(catalog, tenant, await spotFor(catalog, prefix, tenant, wish), null), signal)
        : await begin(catalog, tenant, await spotOf(catalog, before.to_placement_id), before)
    return attempt(catalog, tenant, begun, { ...options, signal })
  })
}

/**
 * Moves a tenant to where it was before its newest move, with all that was written since: the old copy there is brought alike. Otherwise as `moveTenant`.
 * @throws {Failure} MOVE_NOT_FOUND when no old copy is kept; HOST_FULL where others took its place, not for a host that is draining
 */
export function moveBack(catalog: Catalog, slug: TenantSlug, options: MoveOptions): Promise<Moved> {
  return withMoveLock(catalog, slug, options.signal, async signal => {
    const { tenant, before, kept } = await standing(catalog, slug, signal)
    if (before !== null && !(await isWayBack(catalog, before)))
      throw new Failure('MOVE_REFUSED', `a move of tenant ${slug} was begun`, { hint: `feedctl tenant move ${slug} --undo` })
    const target = before?.to_placement_id ?? kept.at(-1)?.from_placement_id
    if (target === undefined)
      throw new Failure('MOVE_NOT_FOUND', `no old copy of tenant ${slug} is kept`, {
        hint: `feedctl tenant move ${slug} --to ...`,
      })
    const to = await spotOf(catalog, target)
    const comesBack = before === null && to.host !== tenant.placement.host
    const begun = await inTurn(
      catalog,
      async () => {
        if (comesBack) await refuseNewTenant(catalog, to.host, { isBack: true })
        return begin(catalog, tenant, to, before)
      },
      signal,
    )
    return attempt(catalog, tenant, begun, { ...options, signal })
  })
}

interface Standing {
  readonly tenant: Tenant
  /** The move that was begun and has not switched; null for none. */
  readonly before: Move | null
  /** Moves whose old copy is kept, the oldest first. */
  readonly kept: readonly Move[]
}

async function standing(catalog: Catalog, slug: TenantSlug, signal: AbortSignal): Promise<Standing> {
  await tidy(catalog, await getTenant(catalog, slug), signal)
  const tenant = await getTenant(catalog, slug)
  await refuseToMove(catalog, tenant)
  const moves = await openMoves(catalog, tenant.id)
  return {
    tenant,
    before: moves.find(move => move.state === 'copying') ?? null,
    kept: moves.filter(move => move.state === 'switched'),
  }
}

function isThere({ slug, placement }: Tenant): Moved {
  const none = { rows: 0, durationMs: 0, fencedMs: 0, keptUntilAt: null }
  return { tenant: slug, from: placement, to: placement, outcome: 'there', ...none }
}

/** A move that was begun goes on, or is undone, before the tenant goes anywhere else. */
async function refuseOtherTarget(catalog: Catalog, tenant: Tenant, before: Move, wish: Wish): Promise<void> {
  const [begun, asked] = [await spotOf(catalog, before.to_placement_id), wishedFor(tenant, wish)]
  if (begun.host === asked.host && begun.kind === asked.kind) return
  throw new Failure('MOVE_REFUSED', `a move of tenant ${tenant.slug} to ${begun.host}/${begun.kind} was begun`, {
    hint: `feedctl tenant move ${tenant.slug} --to ${begun.host}/${begun.kind}, or --undo`,
  })
}

interface Begun {
  readonly to: Spot
  readonly move: Move
}

async function begin(catalog: Catalog, { id, placementId }: Tenant, to: Spot, before: Move | null): Promise<Begun> {
  const move = await beginMove(catalog, { tenantId: id, from: placementId, to: to.id, before, holder: newHolder() })
  return { to, move }
}

async function attempt(catalog: Catalog, tenant: Tenant, { to, move }: Begun, options: MoveOptions): Promise<Moved> {
  const begun = performance.now()
  let carried: Carried
  try {
    await clearFence(catalog, tenant)
    carried = await carry(catalog, tenant, to, move, options)
  } catch (error) {
    const done = await afterFailure(catalog, tenant, move, options.signal, error)
    if (!done) throw error
    carried = { rows: null, fencedMs: null, keptUntilAt: await keptUntil(catalog, move).catch(() => null) }
  }
  // The tenant has moved, whatever becomes of the old copy; the next move of it, or the job, sees to that.
  await settle(catalog, move).catch(() => {})
  return {
    tenant: tenant.slug,
    from: tenant.placement,
    to: placementAt(to),
    outcome: 'moved',
    rows: carried.rows,
    durationMs: Math.round(performance.now() - begun),
    fencedMs: carried.fencedMs === null ? null : Math.round(carried.fencedMs),
    keptUntilAt: carried.keptUntilAt,
  }
}

interface Carried {
  readonly rows: number | null
  readonly fencedMs: number | null
  readonly keptUntilAt: number | null
}

async function carry(catalog: Catalog, tenant: Tenant, to: Spot, move: Move, options: MoveOptions): Promise<Carried> {
  const { signal, keepMs } = options
  await bringUpToDate(catalog, tenant)
  await prepareSpot(catalog, tenant.id, to)
  const [source, target] = await Promise.all([catalog.hosts.serverOf(tenant.placement.host), catalog.hosts.serverOf(to.host)])
  return source.use<TenantSchema, Carried>(tenant.placement.database, from =>
    target.use<TenantSchema, Carried>(to.database, async database => {
      const place = { database, tenantId: tenant.id }
      if (!(await holdElsewhere(catalog, place, move.id))) throw livesThere(tenant.id, to)
      const way: Way = { from: { database: from, tenantId: tenant.id }, to: place, holder: move.id, signal }
      await copyRows(way, progressOf(move), noting(catalog, move, options))
      const fenced = performance.now()
      await fenceTenant(catalog, tenant, move.id)
      await refuseMoveOfDbUser(catalog, tenant)
      const rows = await verifyRows(way)
      await openPlace(place, move.id)
      const keptUntilAt = Date.now() + keepMs
      signal.throwIfAborted()
      await switchPlacement(catalog, move, keptUntilAt)
      return { rows, fencedMs: performance.now() - fenced, keptUntilAt }
    }),
  )
}

function noting(catalog: Catalog, move: Move, { onRows }: MoveOptions): (now: Progress, rows: number) => Promise<void> {
  let noted = performance.now()
  return async (now, rows) => {
    onRows?.(rows)
    if (performance.now() < noted + NOTE_EVERY_MS) return
    noted = performance.now()
    await advance(catalog, move, 'copying', { progress: JSON.stringify(now) })
  }
}

/** True when it had switched all the same. Otherwise its writers go on where they were, unless nobody can tell: then the next attempt, or the job, sees to it. */
async function afterFailure(catalog: Catalog, tenant: Tenant, move: Move, signal: AbortSignal, error: unknown): Promise<boolean> {
  try {
    const end = await giveUp(catalog, move, isFailure(error) ? error : null)
    // Its successor may have gone by before this one's fence was up, and knows nothing of it.
    if (end === 'lost') await liftFence(catalog, tenant, move.id)
    if (end !== 'given-up') return end === 'switched'
    await clearFence(catalog, tenant)
    if (isFailure(error) && !error.retry) await undo(catalog, tenant, move, signal)
  } catch {
    // The first error is the one to tell.
  }
  return false
}

/** Whether an earlier move went the same way in the other direction, and its old copy was taken up. */
async function isWayBack(catalog: Catalog, { tenant_id, from_placement_id, to_placement_id }: Move): Promise<boolean> {
  const row = await catalog.kysely
    .selectFrom('moves')
    .select('id')
    .where('tenant_id', '=', tenant_id)
    .where('state', '=', 'finished')
    .where('from_placement_id', '=', to_placement_id)
    .where('to_placement_id', '=', from_placement_id)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
