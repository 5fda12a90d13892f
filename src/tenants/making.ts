import type { Catalog } from './catalog.js'
import type { ClaimedTenant } from './claim.js'
import type { TenantSchema } from './databases/index.js'
import { dropStrangeDbUser } from './db-users.js'
import { letGo } from './end-claim.js'
import { KeptClaim } from './kept-claim.js'
import { makeReady, takenFailure } from './make-ready.js'
import { removeStrays } from './removal/strays.js'
import { admit } from './residents.js'
import { getTenant, type Tenant } from './tenant.js'
import { clearRows } from './transfer/clear.js'

/** Work on a tenant whose tables are ready, before anyone can see it; done again when a killed creation is finished. What takes long keeps the claim. */
export type Furnish<T> = (tenant: Tenant, claim: KeptClaim) => Promise<T>

/** A tenant that is being made, and what goes with it when it is refused. */
export interface Making {
  readonly tenant: ClaimedTenant
  /** Its database. */
  made: boolean
  /** The tenant itself. */
  undo: boolean
}

export function makingOf(tenant: ClaimedTenant): Making {
  return { tenant, made: tenant.wasSpare, undo: tenant.isNew }
}

/** Makes the database ready and furnishes it; when that is refused, undoes what it made. */
export async function prepare<T>(catalog: Catalog, tenant: ClaimedTenant, holder: string, furnish: Furnish<T>): Promise<T> {
  const one = makingOf(tenant)
  try {
    return await makeAndFurnish(catalog, one, holder, furnish)
  } catch (error) {
    await letGo(catalog, tenant, holder, one, error)
    throw error
  }
}

/** Makes the database ready and furnishes it; `one` then says what is to be undone when it is refused. */
export async function makeAndFurnish<T>(catalog: Catalog, one: Making, holder: string, furnish: Furnish<T>): Promise<T> {
  const { tenant } = one
  await makeTables(catalog, one, false)
  const server = await catalog.hosts.serverOf(tenant.host)
  await server.use<TenantSchema, void>(tenant.database, database => admit(database, [tenant.id]))
  if (!tenant.isNew) {
    await clearClaimed(catalog, tenant, holder)
    // As empty as a new one, and as much its own.
    one.made = true
    one.undo = true
  }
  return furnish(await getTenant(catalog, tenant.slug), new KeptClaim(catalog, tenant.id, holder))
}

/** `unnoted`: what is made is settled afterwards. */
export async function makeTables(catalog: Catalog, one: Making, unnoted: boolean): Promise<void> {
  const { tenant } = one
  if (tenant.isCrowded) throw takenFailure(tenant)
  if (tenant.dbUser !== null) await dropStrangeDbUser(catalog, tenant.id, tenant)
  const begun = (made: boolean) => {
    one.made = made
  }
  await makeReady(catalog, tenant, { begun, unnoted })
  // One that was left over may be full.
  if (tenant.kind === 'dedicated' && !one.made) await removeStrays(catalog, tenant)
}

/** Of a creation that was left off: it may have been half an import, say. */
export async function clearClaimed(catalog: Catalog, { id, slug }: ClaimedTenant, holder: string): Promise<void> {
  await clearRows(catalog, await getTenant(catalog, slug), new KeptClaim(catalog, id, holder))
}
