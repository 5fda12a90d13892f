import { expect } from 'vitest'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'
import { Failure } from '../../src/kernel/errors.js'
import { until } from '../../src/kernel/retry.js'
import type { TestEnv } from '../support/drivers.js'
import { contentOf, hasPosts } from './content.js'
import { Installation } from './installation.js'
import { furnish } from './many-tenants.js'

const ITEMS = 3
const FEEDS_EACH = 4

/** Tenants with feeds of their own on a server that takes its time: long enough a sync for something to happen in its middle. */
export class SlowFleet implements AsyncDisposable {
  private constructor(
    readonly server: FeedServer,
    readonly installation: Installation,
    readonly tenants: number,
  ) {}

  static async create(settings: TestEnv, tenants = 12): Promise<SlowFleet> {
    const server = await startFeedServer({ items: ITEMS, latencyMs: 150 })
    const installation = await Installation.create({ FEEDCTL_FETCH_CONCURRENCY: '4', ...settings })
    await furnish(installation, server, tenants, FEEDS_EACH, { prefix: 'acme-', placement: 'dedicated' })
    return new SlowFleet(server, installation, tenants)
  }

  get feeds(): number {
    return this.tenants * FEEDS_EACH
  }

  /** Posts of all tenants, once everything is stored. */
  get posts(): number {
    return this.feeds * ITEMS
  }

  async untilSomeAreStored(): Promise<void> {
    await using app = await this.installation.open()
    // Not expect.poll: that must know its test, and tests that run at the same time do not.
    await until(async () => (await hasPosts(app)) || null, {
      everyMs: 50,
      withinMs: 60_000,
      late: () => new Failure('CHECK_FAILED', 'nothing was stored in time'),
    })
  }

  /** Fails unless every feed that has a version has all its posts, and the others none; answers how many have. */
  async expectWholeFeeds(): Promise<number> {
    let stored = 0
    for (const { feeds, posts } of Object.values(await contentOf(this.installation))) {
      for (const feed of feeds) {
        const own = posts.filter(post => post.feed === feed.url)
        expect(own).toHaveLength(feed.version === null ? 0 : ITEMS)
        if (feed.version !== null) stored++
      }
    }
    return stored
  }

  async expectComplete(): Promise<void> {
    expect(await this.expectWholeFeeds()).toBe(this.feeds)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.installation[Symbol.asyncDispose]()
    await this.server.close()
  }
}
