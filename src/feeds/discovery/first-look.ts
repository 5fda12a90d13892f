import pLimit from 'p-limit'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { SourceFailure } from '../document.js'
import { type DiscoveredFeed, discover } from './discover.js'
import type { Asking } from './look.js'

const LOOK_MS = 10_000
const AT_ONCE = 4

/**
 * What one look at a URL shows before anyone subscribes to it.
 * - `feed`: it is one.
 * - `page`: it is none; `feeds` are those found behind it, best first.
 * - `unseen`: nothing can be said now; the next sync may.
 */
export type FirstLook =
  | { readonly kind: 'feed'; readonly url: string; readonly title: string | null }
  | { readonly kind: 'page'; readonly url: string; readonly feeds: readonly DiscoveredFeed[] }
  | { readonly kind: 'unseen'; readonly url: string; readonly failure: SourceFailure }

export interface LookOptions {
  readonly signal: AbortSignal
  /** For each URL, with what is found behind it. */
  readonly timeoutMs?: number
}

/** Looks at each URL, four at a time; one answer for each, in their order. Rejects only with the signal's reason, when it aborts. */
export function firstLooks(fetcher: Asking, urls: readonly string[], options: LookOptions): Promise<FirstLook[]> {
  const limit = pLimit(AT_ONCE)
  return Promise.all(urls.map(url => limit(() => firstLook(fetcher, url, options))))
}

/** The ones of these URLs that the tenant is not subscribed to. */
export async function unsubscribed(catalog: Catalog, tenant: Tenant, urls: readonly string[]): Promise<string[]> {
  if (urls.length === 0) return []
  const rows = await withTenant(catalog, tenant, tables => tables.feeds().select('url').where('url', 'in', urls).execute())
  const known = new Set(rows.map(row => row.url))
  return [...new Set(urls)].filter(url => !known.has(url))
}

async function firstLook(fetcher: Asking, url: string, { signal, timeoutMs = LOOK_MS }: LookOptions): Promise<FirstLook> {
  signal.throwIfAborted()
  const { kind, feeds, refused } = await discover(fetcher, url, { signal, timeoutMs })
  if (kind === 'feed') return { kind, url, title: feeds[0]?.title ?? null }
  if (kind === 'page' || feeds.length > 0) {
    const filled = [...feeds].sort((a, b) => Number(b.posts > 0) - Number(a.posts > 0))
    return { kind: 'page', url, feeds: filled }
  }
  return { kind: 'unseen', url, failure: refused.get(url) ?? { code: 'FEED_TIMEOUT', message: 'no answer in time' } }
}
