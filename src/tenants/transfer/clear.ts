import type { Catalog } from '../catalog.js'
import { withTenant } from '../tables.js'
import type { Tenant } from '../tenant.js'
import { SECTIONS } from './sections.js'
import { withSnapshot } from './snapshot.js'

/** About as many rows go with one transaction. */
const ROWS_PER_TRANSACTION = 5_000

/** Removes all that an import writes of a tenant that nobody sees yet; done again it is calm. */
export async function clearRows(catalog: Catalog, tenant: Tenant): Promise<void> {
  const never = new AbortController().signal
  for (const section of SECTIONS) {
    const column = section.key[0] as 'feed_id'
    for (let isMore = true; isMore; ) {
      const last = await withSnapshot(catalog, tenant, snapshot => snapshot.keyAt(section, ROWS_PER_TRANSACTION), never)
      isMore = last !== null
      await withTenant(catalog, tenant, tables =>
        tables.transaction(async tx => {
          const removal = tx.remove(section.table)
          await (last === null ? removal : removal.where(column, '<=', last)).execute()
        }),
      )
    }
  }
}
