import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { sleep } from '../kernel/clock.js'
import { LETTING_IN_BELOW } from './admission.js'
import type { Catalog } from './catalog.js'
import { insertRows, type OpenDatabase, type TenantSchema } from './databases/index.js'
import type { TenantId } from './ids.js'
import type { Placement } from './tenant.js'

const TENANTS_PER_PAGE = 1_000
/** Longer than a living process holds a page of tenants. */
const OTHERS_PATIENCE_MS = 500

type Named = Pick<Placement, 'host' | 'database'>

/** Lets tenants write in a database from now on; calm about those that may already. */
export async function admit(database: OpenDatabase<TenantSchema>, ids: readonly TenantId[]): Promise<void> {
  await insertMissing(database, ids, null)
}

/**
 * The same for every tenant whose rows live there by the catalog: after an upgrade from a schema that knew no residents. One that is moved away meanwhile is not let
 * in again. Two processes may do it at once; when it returns none is held any more, also of one who was killed at it.
 */
export async function admitAll(catalog: Catalog, database: OpenDatabase<TenantSchema>, at: Named): Promise<void> {
  // Held by it nobody writes, and no move fences: what the catalog says afterwards stays true until it is let in.
  const own = -randomInt(-LETTING_IN_BELOW + 1, 2 ** 48)
  for (let after = 0; ; ) {
    const page = await tenantsAt(catalog, at)
      .where('tenants.id', '>', after)
      .orderBy('tenants.id')
      .limit(TENANTS_PER_PAGE)
      .execute()
    await insertMissing(
      database,
      page.map(row => row.id),
      own,
    )
    await settle(catalog, database, at, own)
    const last = page.at(-1)
    if (last === undefined || page.length < TENANTS_PER_PAGE) break
    after = last.id
  }
  for (;;) {
    const others = await heldBy(database, { from: Number.MIN_SAFE_INTEGER, to: LETTING_IN_BELOW - 1 })
    if (others.length === 0) return
    await sleep(OTHERS_PATIENCE_MS)
    await database.kysely.transaction().execute(async tx => {
      for (const { id, by } of others)
        await tx
          .updateTable('residents')
          .set({ fenced_by: own })
          .where('tenant_id', '=', id)
          .where('fenced_by', '=', by)
          .execute()
    })
    await settle(catalog, database, at, own)
  }
}

/** Of the residents there, up to a thousand after the number, in order; `by`: who holds the writers off, null for nobody. */
export async function residentsIn(
  database: OpenDatabase<TenantSchema>,
  after: number,
): Promise<{ id: number; by: number | null }[]> {
  const table = sql.raw(database.qualify('residents'))
  const { rows } = await sql<{ id: number; held: number | null }>`
    /* of all tenants */ select tenant_id as id, fenced_by as held from ${table} where tenant_id > ${after}
    order by tenant_id limit ${sql.lit(TENANTS_PER_PAGE)}`.execute(database.kysely)
  return rows.map(({ id, held }) => ({ id, by: held }))
}

/** Tenants that live there by the catalog. */
function tenantsAt({ kysely }: Pick<Catalog, 'kysely'>, { host, database }: Named) {
  return kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select('tenants.id')
    .where('hosts.name', '=', host)
    .where('placements.database_name', '=', database)
}

/** Lets those in that are held by this number and live there, and takes the others out. */
async function settle(catalog: Catalog, database: OpenDatabase<TenantSchema>, at: Named, own: number): Promise<void> {
  for (;;) {
    const ids = (await heldBy(database, { from: own, to: own })).map(({ id }) => id)
    if (ids.length === 0) return
    const living = new Set((await tenantsAt(catalog, at).where('tenants.id', 'in', ids).execute()).map(row => row.id))
    await database.kysely.transaction().execute(async tx => {
      for (const id of ids) {
        if (living.has(id)) {
          await tx
            .updateTable('residents')
            .set({ fenced_by: null })
            .where('tenant_id', '=', id)
            .where('fenced_by', '=', own)
            .execute()
        } else await tx.deleteFrom('residents').where('tenant_id', '=', id).where('fenced_by', '=', own).execute()
      }
    })
  }
}

async function insertMissing(database: OpenDatabase<TenantSchema>, ids: readonly number[], by: number | null): Promise<void> {
  await insertRows(
    database,
    'residents',
    ids.map(id => ({ tenant_id: id, fenced_by: by })),
    'keep',
  )
}

async function heldBy(
  database: OpenDatabase<TenantSchema>,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<{ id: number; by: number }[]> {
  const table = sql.raw(database.qualify('residents'))
  const { rows } = await sql<{ id: number; held: number }>`
    /* of all tenants */ select tenant_id as id, fenced_by as held from ${table} where fenced_by between ${from} and ${to}
    order by tenant_id limit ${sql.lit(TENANTS_PER_PAGE)}`.execute(database.kysely)
  return rows.map(({ id, held }) => ({ id, by: held }))
}
