import type { Catalog } from '../tenants/catalog.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { type FeedRow, getFeed } from './subscriptions.js'

/** What pruning leaves of a feed's posts. 0 keeps them, whatever their age or number. */
export interface RetentionPolicy {
  readonly keepDays: number
  readonly keepPosts: number
}

/** Who decides: the settings FEEDCTL_KEEP_DAYS and FEEDCTL_KEEP_POSTS, unless the tenant does, unless the feed does. */
export type PolicyOrigin = 'settings' | 'tenant' | 'feed'

/** A null is left to the one above: the tenant, or the settings. */
export interface OwnPolicy {
  readonly keepDays: number | null
  readonly keepPosts: number | null
}

/** A policy as an operator sees it. */
export interface RetentionView {
  readonly tenant: string
  /** Null when it is the tenant's. */
  readonly feed: { readonly id: number; readonly url: string } | null
  readonly keep: {
    readonly days: number
    readonly daysFrom: PolicyOrigin
    readonly posts: number
    readonly postsFrom: PolicyOrigin
  }
  /** Feeds of the tenant that decide something themselves; empty for the view of one feed. */
  readonly feeds: readonly (OwnPolicy & { readonly id: number; readonly url: string })[]
}

type FeedPolicy = Pick<FeedRow, 'keep_days' | 'keep_posts'>

/** What counts for a feed of the tenant. */
export function policyOf(settings: RetentionPolicy, tenant: OwnPolicy, feed: FeedPolicy): RetentionPolicy {
  return {
    keepDays: feed.keep_days ?? tenant.keepDays ?? settings.keepDays,
    keepPosts: feed.keep_posts ?? tenant.keepPosts ?? settings.keepPosts,
  }
}

/** `named`: id or URL of a feed; null for the tenant. @throws {Failure} FEED_NOT_FOUND */
export function showRetention(
  catalog: Catalog,
  settings: RetentionPolicy,
  tenant: Tenant,
  named: string | null,
): Promise<RetentionView> {
  return withTenant(catalog, tenant, async tables => {
    const feed = named === null ? null : await getFeed(tables, tenant, named)
    const own = feed ?? { keep_days: null, keep_posts: null }
    const policy = policyOf(settings, tenant, own)
    const feeds =
      feed !== null
        ? []
        : await tables
            .feeds()
            .select(['id', 'url', 'keep_days', 'keep_posts'])
            .where(eb => eb.or([eb('keep_days', 'is not', null), eb('keep_posts', 'is not', null)]))
            .orderBy('id')
            .execute()
    return {
      tenant: tenant.slug,
      feed: feed === null ? null : { id: feed.id, url: feed.url },
      keep: {
        days: policy.keepDays,
        daysFrom: originOf(own.keep_days, tenant.keepDays),
        posts: policy.keepPosts,
        postsFrom: originOf(own.keep_posts, tenant.keepPosts),
      },
      feeds: feeds.map(row => ({ id: row.id, url: row.url, keepDays: row.keep_days, keepPosts: row.keep_posts })),
    }
  })
}

/** Sets what is named in `own` for a feed of the tenant, or for the tenant; posts go at the next pruning. @throws {Failure} FEED_NOT_FOUND */
export async function setRetention(
  catalog: Catalog,
  tenant: Tenant,
  named: string | null,
  own: Partial<OwnPolicy>,
): Promise<void> {
  const columns = {
    ...(own.keepDays === undefined ? {} : { keep_days: own.keepDays }),
    ...(own.keepPosts === undefined ? {} : { keep_posts: own.keepPosts }),
  }
  if (named === null) {
    await catalog.kysely
      .updateTable('tenants')
      .set({ ...columns, updated_at: Date.now() })
      .where('id', '=', tenant.id)
      .execute()
    return
  }
  await withTenant(catalog, tenant, tables =>
    tables.transaction(async tx => {
      const feed = await getFeed(tx, tenant, named)
      await tx.updateFeeds().set(columns).where('id', '=', feed.id).execute()
    }),
  )
}

function originOf(feed: number | null, tenant: number | null): PolicyOrigin {
  if (feed !== null) return 'feed'
  return tenant === null ? 'settings' : 'tenant'
}
