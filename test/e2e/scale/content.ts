import { postOf, publisherOf } from '../../../src/bench/feed-server/posts.js'
import type { FeedServer } from '../../../src/bench/feed-server/server.js'
import { contentOf } from '../content.js'
import type { Site } from './site.js'
import type { ReadTenant } from './tenants.js'

export interface Published {
  readonly seed: number
  /** Of each edition. */
  readonly items: number
  /** How many there were after the first. */
  readonly editions: number
}

/** `tenant feed guid` of every post that was ever published to a feed of a tenant. */
export function postsPublished(
  server: FeedServer,
  tenants: readonly ReadTenant[],
  { seed, items, editions }: Published,
): string[] {
  return tenants
    .flatMap(({ slug, sources }) =>
      sources.flatMap(source => {
        const publisher = publisherOf(seed, source)
        const numbers = Array.from({ length: items + editions }, (_, number) => number)
        return numbers.map(
          number => `${slug} ${server.urlOf(source)} ${postOf({ seed, source, itemBytes: 100 }, publisher, number, 0).guid}`,
        )
      }),
    )
    .sort()
}

/** The same of every row that is stored, twice where there are two. */
export async function postsStored(site: Site): Promise<string[]> {
  const contents = Object.entries(await contentOf(site))
  return contents.flatMap(([slug, { posts }]) => posts.map(({ feed, guid }) => `${slug} ${feed} ${guid}`)).sort()
}
