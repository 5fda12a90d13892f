import type { Catalog } from './catalog.js'
import type { ClaimedTenant } from './claim.js'
import type { TenantSchema } from './databases/index.js'
import { letGo, makeReady, takenFailure } from './make-ready.js'
import { admit } from './residents.js'
import { getTenant, type Tenant } from './tenant.js'
import { clearRows } from './transfer/clear.js'

/** Work on a tenant whose tables are ready, before anyone can see it; done again when a killed creation is finished. */
export type Furnish<T> = (tenant: Tenant) => Promise<T>

/** Makes the database ready and furnishes it; when that is refused, undoes what it made. */
export async function prepare<T>(catalog: Catalog, tenant: ClaimedTenant, holder: string, furnish: Furnish<T>): Promise<T> {
  const one = { tenant, made: tenant.wasSpare }
  try {
    return await makeAndFurnish(catalog, one, furnish)
  } catch (error) {
    await letGo(catalog, tenant, holder, one.made, error)
    throw error
  }
}

export async function makeAndFurnish<T>(catalog: Catalog, one: Making, furnish: Furnish<T>): Promise<T> {
  const { id, slug, host, database: name, isNew } = one.tenant
  await makeTables(catalog, one, false)
  const server = await catalog.hosts.serverOf(host)
  await server.use<TenantSchema, void>(name, database => admit(database, [id]))
  const tenant = await getTenant(catalog, slug)
  // What was left off may have been something else: half an import, say.
  if (!isNew) await clearRows(catalog, tenant)
  return furnish(tenant)
}

/** A tenant, and whether its database was made for it just now. */
export interface Making {
  readonly tenant: ClaimedTenant
  made: boolean
}

/** `unnoted`: what is made is settled afterwards. */
export async function makeTables(catalog: Catalog, one: Making, unnoted: boolean): Promise<void> {
  if (one.tenant.isCrowded) throw takenFailure(one.tenant)
  const begun = (made: boolean) => {
    one.made = made
  }
  await makeReady(catalog, one.tenant, { begun, unnoted })
}
