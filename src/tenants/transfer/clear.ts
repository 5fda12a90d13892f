import type { Catalog } from '../catalog.js'
import { withTenant } from '../tables.js'
import type { Tenant } from '../tenant.js'
import { SECTIONS, type Section } from './sections.js'
import { withSnapshot } from './snapshot.js'

/** About as many rows go with one transaction. */
const ROWS_PER_TRANSACTION = 5_000

/** Removes all that an import writes of a tenant that nobody sees yet, and with `leave` the tenant from those who live there; done again it is calm. */
export async function clearRows(
  catalog: Catalog,
  tenant: Tenant,
  { leave = false }: { readonly leave?: boolean } = {},
): Promise<void> {
  for (const section of SECTIONS) while (!(await clearSome(catalog, tenant, section))) {}
  if (leave) await withTenant(catalog, tenant, tables => tables.transaction(tx => tx.leave()))
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
