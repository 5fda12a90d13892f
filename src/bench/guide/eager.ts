import { readPosts } from '../../feeds/read-posts.js'
import { withTenant } from '../../tenants/tables.js'
import { getTenant } from '../../tenants/tenant.js'
import type { Caller } from '../api/population.js'
import type { Place } from '../sync/place.js'

const POSTS = 20

/** Statements for a page of posts, each with its feed. */
export interface EagerRound {
  /** As the API reads it. */
  readonly eager: number
  /** With the feed of each post read when it is shown. */
  readonly lazy: number
  readonly faults: readonly string[]
}

/** Reads a page of posts with their feeds in both ways, and counts the statements at the driver. */
export function measureEager(place: Place, { slug }: Caller): Promise<EagerRound> {
  return place.withCatalog(async catalog => {
    const tenant = await getTenant(catalog, slug)
    return withTenant(catalog, tenant, async tables => {
      const counted = async <T>(deed: () => Promise<T>) => {
        const before = catalog.server.statements
        const result = await deed()
        return { result, statements: catalog.server.statements - before }
      }
      const anything = { feed: null, since: null, until: null, text: null, after: null, content: false }
      const eager = await counted(() => readPosts(tables, { ...anything, limit: POSTS }))
      const lazy = await counted(async () => {
        const posts = await tables
          .posts()
          .select(['id', 'feed_id'])
          .orderBy('sort_at', 'desc')
          .orderBy('id', 'desc')
          .limit(POSTS)
          .execute()
        const feeds: number[] = []
        for (const { feed_id: id } of posts) {
          const feed = await tables.feeds().select(['id', 'title', 'url']).where('id', '=', id).executeTakeFirst()
          feeds.push(feed?.id ?? 0)
        }
        return posts.map((post, n) => `${post.id} ${feeds[n]}`)
      })
      const same = eager.result.posts.map(({ id, feed }) => `${id} ${feed.id}`).join() === lazy.result.join()
      const faults = same && lazy.result.length === POSTS ? [] : ['the two ways do not read the same posts and feeds']
      return { eager: eager.statements, lazy: lazy.statements, faults }
    })
  })
}
