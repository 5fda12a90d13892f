import { asWriter } from '../../tenants/as-writer.js'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { TenantWriter } from '../../tenants/tenant-writer.js'
import { type MediaPolicy, wantsNothing } from '../policy.js'
import { countersOf, moveCursor } from './counters.js'
import { dueLinks } from './links.js'

/**
 * Before a sync of the tenant stores anything: from here on its posts are looked at. Posts that were there before its policy wanted anything, or before feedctl
 * stored media at all, are not. Answers whether some wait already.
 */
export function beginIntake(catalog: Catalog, tenant: Tenant, policy: MediaPolicy): Promise<boolean> {
  return withTenant(catalog, tenant, async tables => {
    const { next, cursor } = await countersOf(tables)
    if (wantsNothing(policy)) {
      if (cursor !== null) await tables.transaction(tx => tx.remove('counters').where('name', '=', 'media_posts').execute())
      return false
    }
    if (cursor === null) {
      await asWriter(tables, begin)
      return false
    }
    return cursor < next || (await dueLinks(tables, 1, Date.now())).length > 0
  })
}

/** Null for a tenant without feeds: one that has been removed keeps no counters. */
async function begin(tx: TenantWriter): Promise<true | null> {
  if ((await tx.feeds().select('id').limit(1).executeTakeFirst()) === undefined) return null
  const { next, cursor } = await countersOf(tx)
  if (cursor === null) await moveCursor(tx, next)
  return true
}
