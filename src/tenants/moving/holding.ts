import { sql, type Transaction } from 'kysely'
import { isFailure } from '../../kernel/errors.js'
import { BRIEFLY, retry } from '../../kernel/retry.js'
import type { Catalog } from '../catalog.js'
import { insertRows, type TenantSchema } from '../databases/index.js'
import { fenceOf, takenOver } from '../fence.js'
import { findTenant, type Tenant } from '../tenant.js'
import { deleteRange, keyBehind, type Place } from './rows.js'
import { MOVED_TABLES } from './shapes.js'

const REMOVED_ROWS = 5_000

/**
 * Takes the rows of a tenant in a database where it does not live for one undertaking: what another one, which was held up, still wants to write there is
 * refused from now on. `holder`: a number that no other undertaking has.
 */
export async function holdPlace({ database, tenantId }: Place, holder: number): Promise<void> {
  const key = ['tenant_id'] as const
  await insertRows(database, 'residents', [{ tenant_id: tenantId as number, fenced_by: holder }], { key, replace: ['fenced_by'] })
}

/**
 * The same, unless the tenant lives there: under another name, a host may be the same server. Then its writers were held off for a moment, and it is false.
 * @throws {Failure} SCHEMA_MISSING when the place has no tables
 */
export async function holdElsewhere(catalog: Catalog, place: Place, holder: number): Promise<boolean> {
  await holdPlace(place, holder)
  const tenant = await findTenant(catalog, place.tenantId)
  if (tenant === null || (await fenceAt(catalog, tenant)) !== holder) return true
  await openPlace(place, holder)
  return false
}

/** Undefined also where its database is gone. */
async function fenceAt(catalog: Catalog, tenant: Tenant): Promise<number | null | undefined> {
  try {
    return await fenceOf(catalog, tenant)
  } catch (error) {
    if (isFailure(error, 'SCHEMA_MISSING')) return undefined
    throw error
  }
}

/** One transaction there. @throws {Failure} LOCKED when another undertaking holds the rows by now; then nothing was done */
export function whileHeld(
  { database, tenantId }: Place,
  holder: number,
  deed: (transaction: Transaction<TenantSchema>) => Promise<unknown>,
): Promise<void> {
  const attempt = async () => {
    await database.kysely.transaction().execute(async transaction => {
      const query = transaction.selectFrom('residents').select('fenced_by').where('tenant_id', '=', tenantId)
      const locked = database.dialect === 'sqlite' ? query : query.modifyEnd(sql`lock in share mode`)
      if ((await locked.executeTakeFirst())?.fenced_by !== holder) throw takenOver(tenantId)
      await deed(transaction)
    })
  }
  return retry(attempt, { ...BRIEFLY, worthRetrying: error => isFailure(error, 'UNAVAILABLE') })
}

/** Lets the tenant's writers in there: from now on it can live there. @throws {Failure} LOCKED */
export async function openPlace(place: Place, holder: number): Promise<void> {
  await whileHeld(place, holder, transaction =>
    transaction.updateTable('residents').set({ fenced_by: null }).where('tenant_id', '=', place.tenantId).execute(),
  )
}

/** Deletes all rows of the tenant there, a few thousand at a time, the hold at last. @throws {Failure} LOCKED; the signal's reason between two portions */
export async function emptyPlace(place: Place, holder: number, signal: AbortSignal): Promise<void> {
  for (const table of MOVED_TABLES) {
    for (let done = false; !done; ) {
      signal.throwIfAborted()
      const upTo = await keyBehind(place, table, null, REMOVED_ROWS)
      await whileHeld(place, holder, transaction => deleteRange(place, table, { after: null, upTo }).execute(transaction))
      done = upTo === null
    }
  }
  await whileHeld(place, holder, transaction =>
    transaction.deleteFrom('residents').where('tenant_id', '=', place.tenantId).execute(),
  )
}
