import { isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { withTenant } from './tables.js'
import type { Tenant } from './tenant.js'

/** How much of what a tenant has; nothing for one whose tables were never finished, or are gone already. */
export async function tenantContent(catalog: Catalog, tenant: Tenant): Promise<{ feeds: number; posts: number }> {
  try {
    return await withTenant(catalog, tenant, async tables => {
      const feeds = await tables
        .feeds()
        .select(eb => eb.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
      const posts = await tables
        .posts()
        .select(eb => eb.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
      return { feeds: Number(feeds.rows), posts: Number(posts.rows) }
    })
  } catch (error) {
    const unfinished = tenant.state === 'provisioning' || tenant.state === 'deleting'
    if (unfinished && isFailure(error, 'SCHEMA_MISSING')) return { feeds: 0, posts: 0 }
    throw error
  }
}
