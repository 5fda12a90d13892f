import type { Catalog } from '../catalog.js'
import type { MoveState, PlacementKind } from '../databases/index.js'
import { parseDatabaseName, type TenantId, type TenantSlug } from '../ids.js'
import type { Placement } from '../tenant.js'
import { OPEN_STATES } from './ledger.js'

/** A move as operators see it. Times are epoch ms. */
export interface MoveView {
  readonly id: number
  /** Null when the tenant has been removed. */
  readonly tenant: TenantSlug | null
  readonly state: MoveState
  /** Null when the placement is gone, as `to`. */
  readonly from: Placement | null
  readonly to: Placement | null
  /** The process that works on it, as it names itself; null when none does. */
  readonly holder: string | null
  readonly failureCode: string | null
  readonly failureMessage: string | null
  readonly startedAt: number
  readonly switchedAt: number | null
  /** Until when the old copy is kept; null when there is none. */
  readonly keptUntilAt: number | null
}

export interface MovePage {
  readonly moves: readonly MoveView[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: number | null
}

/** Moves that are under way, or whose old copy is kept; by number. Of one tenant also those that have ended. */
export async function listMoves(
  catalog: Catalog,
  { tenantId = null, after = 0, limit }: { tenantId?: TenantId | null; after?: number; limit: number },
): Promise<MovePage> {
  let query = moveRows(catalog)
    .where('moves.id', '>', after)
    .orderBy('moves.id')
    .limit(limit + 1)
  query = tenantId === null ? query.where('moves.state', 'in', OPEN_STATES) : query.where('moves.tenant_id', '=', tenantId)
  const rows = await query.execute()
  const moves = rows.slice(0, limit).map(viewOf)
  return { moves, next: rows.length > limit ? (moves.at(-1)?.id ?? null) : null }
}

/** Those of one tenant that are under way or whose old copy is kept. */
export async function openMoveViews(catalog: Catalog, tenantId: TenantId): Promise<MoveView[]> {
  const rows = await moveRows(catalog)
    .where('moves.tenant_id', '=', tenantId)
    .where('moves.state', 'in', OPEN_STATES)
    .orderBy('moves.id')
    .execute()
  return rows.map(viewOf)
}

function moveRows({ kysely }: Catalog) {
  return kysely
    .selectFrom('moves')
    .leftJoin('tenants', 'tenants.id', 'moves.tenant_id')
    .leftJoin('placements as source', 'source.id', 'moves.from_placement_id')
    .leftJoin('hosts as source_host', 'source_host.id', 'source.host_id')
    .leftJoin('placements as target', 'target.id', 'moves.to_placement_id')
    .leftJoin('hosts as target_host', 'target_host.id', 'target.host_id')
    .selectAll('moves')
    .select([
      'tenants.slug',
      'source.kind as source_kind',
      'source.database_name as source_database',
      'source_host.name as source_host',
      'target.kind as target_kind',
      'target.database_name as target_database',
      'target_host.name as target_host',
    ])
}

type MoveRow = Awaited<ReturnType<ReturnType<typeof moveRows>['execute']>>[number]

function viewOf(row: MoveRow): MoveView {
  return {
    id: row.id,
    tenant: row.slug as TenantSlug | null,
    state: row.state,
    from: place(row.source_kind, row.source_host, row.source_database),
    to: place(row.target_kind, row.target_host, row.target_database),
    holder: row.holder,
    failureCode: row.failure_code,
    failureMessage: row.failure_message,
    startedAt: row.started_at,
    switchedAt: row.switched_at,
    keptUntilAt: row.state === 'switched' ? row.keep_until : null,
  }
}

/** A placement is forgotten some time after its database was removed. */
function place(kind: string | null, host: string | null, database: string | null): Placement | null {
  if (kind === null || host === null || database === null) return null
  return { kind: kind as PlacementKind, host, database: parseDatabaseName(database) }
}
