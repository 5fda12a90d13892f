import { sql } from 'kysely'
import type { Catalog } from '../catalog.js'
import { ownerAt } from '../database-owner.js'
import { TENANT_TABLES, type TenantSchema } from '../databases/index.js'
import { withRemoval } from '../fence.js'
import { parseTenantId } from '../ids.js'
import { takenFailure } from '../make-ready.js'
import { type Placement, removedTenants } from '../tenant.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'
import { removeAllRows } from './rows.js'

/** Numbers of tenants that `tenantsIn` answers at most. */
export const TENANTS_PER_LOOK = 1_000

/** Numbers of the tenants that have rows in the table, those after `after`, in order: by the front of its key, never by a look at the rows. */
export async function tenantsIn(
  catalog: Catalog,
  { host, database }: Pick<Placement, 'host' | 'database'>,
  table: string,
  after: number,
): Promise<number[]> {
  const server = await catalog.hosts.serverOf(host)
  return server.use<TenantSchema, number[]>(database, async opened => {
    const named = sql.raw(opened.qualify(table as keyof TenantSchema & string))
    const { rows } = await sql<{ tenant_id: number }>`
      /* of all tenants */ select distinct tenant_id from ${named} where tenant_id > ${after}
      order by tenant_id limit ${sql.lit(TENANTS_PER_LOOK)}`.execute(opened.kysely)
    return rows.map(row => row.tenant_id)
  })
}

/**
 * Removes the rows of tenants that are not there from a database that was left over, and is to be a new tenant's: nobody could ever read them. Rows of tenants
 * that are there stay, wherever those live. @throws {Failure} DATABASE_TAKEN for one that is another installation's by now, whatever the catalog says of its tables
 */
export async function removeStrays(catalog: Catalog, { host, database }: Pick<Placement, 'host' | 'database'>): Promise<void> {
  if ((await ownerAt(catalog, { host, database })) === 'others') throw takenFailure({ database })
  const gone = new Set<number>()
  for (const table of TENANT_TABLES) {
    for (let after = 0; ; ) {
      const ids = await tenantsIn(catalog, { host, database }, table, after)
      const last = ids.at(-1)
      if (last === undefined) break
      for (const id of await removedTenants(catalog, ids)) gone.add(id)
      if (ids.length < TENANTS_PER_LOOK) break
      after = last
    }
  }
  const placement = { kind: 'dedicated', host, database } as const
  for (const id of gone)
    await withRemoval(catalog, { id: parseTenantId(id), placement, schemaVersion: TENANT_SCHEMA_VERSION }, removeAllRows)
}
