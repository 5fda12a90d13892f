import { expect } from 'vitest'
import type { FeedServer } from '../../../src/bench/feed-server/server.js'
import type { Site } from './site.js'

export interface ReadTenant {
  readonly slug: string
  readonly token: string
  /** Numbers of its sources. */
  readonly sources: readonly number[]
}

/** Each second one has a database of its own. Each source has as many readers as a tenant has feeds; the first tenant has one more feed, which is none. */
export async function createTenants(
  site: Site,
  server: FeedServer,
  { count, feedsEach, unreadable }: { count: number; feedsEach: number; unreadable: string },
): Promise<ReadTenant[]> {
  const tenants: ReadTenant[] = []
  for (let index = 0; index < count; index++) {
    const slug = `t${index}`
    const sources = Array.from({ length: feedsEach }, (_, feed) => (index + feed) % count)
    const urls = [...sources.map(source => server.urlOf(source)), ...(index === 0 ? [unreadable] : [])]
    const placement = index % 2 === 0 ? 'dedicated' : 'shared'
    const created = await site.run(['tenant', 'create', slug, '--placement', placement, '--feed', ...urls, '--json'])
    expect(created).toMatchObject({ exit: 0 })
    tenants.push({ slug, token: (JSON.parse(created.out) as { token: string }).token, sources })
  }
  return tenants
}
