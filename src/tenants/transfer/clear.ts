import type { Catalog } from '../catalog.js'
import type { KeptClaim } from '../kept-claim.js'
import { withTenant } from '../tables.js'
import type { Tenant } from '../tenant.js'
import { SECTIONS, type Section } from './sections.js'
import { withSnapshot } from './snapshot.js'

/** About as many rows go with one transaction. */
const ROWS_PER_TRANSACTION = 5_000

/**
 * Removes all that an import writes of a tenant that nobody sees yet, and with `leave` the tenant from those who live there; done again it is calm.
 * @throws {Failure} TENANT_EXISTS when the claim is somebody else's by now: what is there is theirs, and stays
 */
export async function clearRows(
  catalog: Catalog,
  tenant: Tenant,
  claim: KeptClaim,
  { leave = false }: { readonly leave?: boolean } = {},
): Promise<void> {
  await claim.keep()
  for (const section of await filledSections(catalog, tenant))
    for (let done = false; !done; ) {
      await claim.keep()
      done = await clearSome(catalog, tenant, section)
    }
  if (!leave) return
  await claim.keep()
  await withTenant(catalog, tenant, tables => tables.transaction(tx => tx.leave()))
}

async function filledSections(catalog: Catalog, tenant: Tenant): Promise<Section[]> {
  const filled: Section[] = []
  await withSnapshot(
    catalog,
    tenant,
    async snapshot => {
      for (const section of SECTIONS) if ((await snapshot.keyAt(section, 0)) !== null) filled.push(section)
    },
    new AbortController().signal,
  )
  return filled
}

/** Whether those were the last. */
async function clearSome(catalog: Catalog, tenant: Tenant, section: Section): Promise<boolean> {
  const never = new AbortController().signal
  const last = await withSnapshot(catalog, tenant, snapshot => snapshot.keyAt(section, ROWS_PER_TRANSACTION), never)
  await withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      const removal = tx.remove(section.table)
      await (last === null ? removal : removal.where(section.key[0] as 'feed_id', '<=', last)).execute()
    }),
  )
  return last === null
}
