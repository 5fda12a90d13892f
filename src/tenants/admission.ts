import { type Kysely, sql } from 'kysely'
import { Failure, isFailure } from '../kernel/errors.js'
import type { DialectName, TenantSchema } from './databases/index.js'
import type { TenantId } from './ids.js'

const RETRY_AFTER_S = 5

/** Where the number of a move stands in `residents`: a dump of a tenant that is to be removed holds its writers off, and its removal goes on. */
export const DUMPED = -1

/** Numbers below it stand there of those who let all tenants of a database in: for as long as they ask the catalog who lives there. */
export const LETTING_IN_BELOW = -(2 ** 47)

/**
 * Who a transaction on a tenant's rows is for: its `writer`s, while it lives there and is not fenced; its `remover`, who has to have it for itself, and goes on
 * where it is gone already.
 */
export type Admission = { readonly as: 'writer' } | { readonly as: 'remover' }

export const WRITER: Admission = { as: 'writer' }

/**
 * Locks the tenant's row of `residents` until the transaction ends, shared by writers, so that whoever fences the tenant waits for them. The first
 * statement of a transaction. @throws {Failure} TENANT_MOVING, TENANT_MOVED: then nothing may be written
 */
export async function admitTransaction(
  executor: Kysely<TenantSchema>,
  dialect: DialectName,
  tenantId: TenantId,
  admission: Admission,
): Promise<void> {
  const query = executor.selectFrom('residents').select('fenced_by').where('tenant_id', '=', tenantId)
  // On SQLite a transaction has the file for itself. MariaDB has no `for share`.
  const row = await (dialect === 'sqlite' ? query : query.modifyEnd(lockFor(admission))).executeTakeFirst()
  if (admission.as === 'writer' && row === undefined) throw tenantMoved(tenantId)
  const fencedBy = row?.fenced_by ?? null
  if (fencedBy === null || (admission.as === 'remover' && isNoMoves(fencedBy))) return
  throw tenantMoving(tenantId)
}

/** Whether it is no move's: then nobody copies rows, and whoever set it finds the tenant gone. */
function isNoMoves(fencedBy: number): boolean {
  return fencedBy === DUMPED || fencedBy < LETTING_IN_BELOW
}

function lockFor({ as }: Admission) {
  return as === 'remover' ? sql`for update` : sql`lock in share mode`
}

type HeldOff = Failure & { readonly code: 'TENANT_MOVING' | 'TENANT_MOVED' }

/** The catalog says that a move holds the tenant off, or one who wrote found it so, or found that it lives elsewhere: nothing is wrong, and it goes on later. */
export function isHeldOff(error: unknown): error is HeldOff {
  return isFailure(error, 'TENANT_MOVING') || isFailure(error, 'TENANT_MOVED')
}

/** Its writers are held off for a while. */
export function tenantMoving(tenantId: TenantId): Failure {
  return new Failure('TENANT_MOVING', `tenant ${tenantId} is being moved: nothing of it is written meanwhile`, {
    retryAfterS: RETRY_AFTER_S,
    hint: 'try again in a moment',
  })
}

/** What the caller knows of its place is not true any more: the catalog says where it is, if it is still there. */
export function tenantMoved(tenantId: TenantId): Failure {
  return new Failure('TENANT_MOVED', `tenant ${tenantId} does not live here any more`, {
    retryAfterS: 1,
    hint: 'try again',
  })
}
