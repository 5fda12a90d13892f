import { holderIsGone } from '../../kernel/holder.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { MoveState } from '../../tenants/databases/index.js'
import { strayFences } from '../../tenants/moving/fences.js'
import { OPEN_STATES } from '../../tenants/moving/ledger.js'
import { type Check, ok, type Verdict, warn } from '../check.js'
import { counted, some } from '../words.js'

/** Moves that are looked at: the oldest. */
const LOOKED_AT = 10_000
/** The schedule removes an old copy within minutes after its time; where cron does it, within a day. */
const OVERDUE_MS = 25 * 3_600_000

export interface MoveFact {
  readonly slug: string | null
  readonly state: MoveState
  readonly holder: string | null
  readonly keep_until: number | null
  /** Whether the tenant's writers are held off by it. */
  readonly fences: boolean
}

export const movesStanding: Check = {
  id: 'moves.standing',
  run: async parts => {
    const catalog = await parts.catalog()
    if (catalog === null) return ok('no catalog yet')
    const stray = await strayFences(catalog, LOOKED_AT)
    if (stray.length > 0)
      return warn(
        `writers are held off for moves that have ended: ${some(stray.map(({ slug }) => slug))}`,
        'feedctl schedule run',
      )
    return judgeMoves(await factsOf(catalog), Date.now())
  },
}

export function judgeMoves(moves: readonly MoveFact[], now: number): Verdict {
  const left = moves.filter(({ state, holder }) => state !== 'switched' && (holder === null || holderIsGone(holder)))
  const fix = 'feedctl tenant move SLUG --undo, or its --to again; feedctl schedule run looks after them'
  const fenced = left.filter(({ fences }) => fences)
  if (fenced.length > 0) return warn(`nobody works on moves that hold writers off: ${namesOf(fenced)}`, fix)
  if (left.length > 0) return warn(`nobody works on the moves of ${namesOf(left)}`, fix)
  const overdue = moves.filter(({ state, keep_until }) => state === 'switched' && (keep_until ?? 0) < now - OVERDUE_MS)
  if (overdue.length > 0)
    return warn(
      `old copies are kept for longer than was asked for: ${namesOf(overdue)}`,
      'feedctl schedule run, or feedctl tenant move SLUG --finish',
    )
  const kept = moves.filter(({ state }) => state === 'switched').length
  return ok(`${counted(moves.length - kept, 'move')} under way, old copies of ${counted(kept, 'move')} kept`)
}

function namesOf(moves: readonly MoveFact[]): string {
  return some(moves.map(({ slug }) => slug ?? 'a removed tenant'))
}

function factsOf({ kysely }: Catalog): Promise<MoveFact[]> {
  return kysely
    .selectFrom('moves')
    .leftJoin('tenants', 'tenants.id', 'moves.tenant_id')
    .select(['tenants.slug', 'moves.state', 'moves.holder', 'moves.keep_until', 'moves.id', 'tenants.move_id'])
    .where('moves.state', 'in', OPEN_STATES)
    .orderBy('moves.id')
    .limit(LOOKED_AT)
    .execute()
    .then(rows => rows.map(({ id, move_id, ...row }) => ({ ...row, fences: move_id === id })))
}
