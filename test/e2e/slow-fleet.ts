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
const FREE_REQUESTS = 12
/** What is held must not fail before it is let go, on a machine that is busy too. */
const FETCH_TIMEOUT_MS = 300_000

/** Tenants with feeds of their own on a server that takes its time, as much as is wanted: something can happen in the middle of a sync. */
export class SlowFleet implements AsyncDisposable {
  private constructor(
    readonly server: FeedServer,
    readonly installation: Installation,
    readonly tenants: number,
  ) {}

  static async create(settings: TestEnv, tenants = 12): Promise<SlowFleet> {
    const server = await startFeedServer({ items: ITEMS, latencyMs: 150 })
    const patient = { FEEDCTL_FETCH_CONCURRENCY: '4', FEEDCTL_FETCH_TIMEOUT_MS: String(FETCH_TIMEOUT_MS) }
    const installation = await Installation.create({ ...patient, ...settings })
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

  /** Only the next few requests are answered, whoever they are for, so that no sync ends before `letGo`. */
  hold(): void {
    this.server.hold(FREE_REQUESTS)
  }

  letGo(): void {
    this.server.letGo()
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

  /** Resolves when so many syncs have begun. */
  async untilRunsAre(count: number): Promise<void> {
    await using app = await this.installation.open()
    const runs = () => app.catalog.kysely.selectFrom('runs').select('id').execute()
    await until(async () => (await runs()).length >= count || null, {
      everyMs: 20,
      withinMs: 60_000,
      late: () => new Failure('CHECK_FAILED', `${count} runs had not begun in time`),
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
