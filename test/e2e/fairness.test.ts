import { expect, it } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { parseFeedUrl } from '../../src/feeds/urls.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { contentOf } from './content.js'
import { Installation } from './installation.js'
import { furnish } from './many-tenants.js'

const SMALL = { tenants: 20, feedsEach: 2 }
const GIANT_FEEDS = 300
const ITEMS = 2

it('a tenant with many feeds does not keep the small ones behind it waiting', async () => {
  await using server = await startFeedServer({ items: ITEMS, itemBytes: 100, spread: 20 })
  const redis = { DB_CONNECTION: 'sqlite', CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis', ...sharedRedisEnv() }
  await using installation = await Installation.create({ ...redis, FEEDCTL_SYNC_CHUNK: '20' })
  await installation.createTenant('giant', [], ['--placement', 'shared'])
  await furnish(installation, server, SMALL.tenants, SMALL.feedsEach)
  await using app = await installation.open()
  const giant = await getTenant(app.catalog, parseSlug('giant'))
  const first = SMALL.tenants * SMALL.feedsEach
  const wishes = Array.from({ length: GIANT_FEEDS }, (_, n) => ({ url: parseFeedUrl(server.urlOf(first + n)), title: null }))
  await addFeeds(app.catalog, giant, wishes)

  // One job at a time: what is not passed on stands before all that wait.
  await installation.startWorker(['--queue', 'sync', '--concurrency', '1'])
  const { exit, report } = await installation.sync('--all')
  expect(exit).toBe(0)
  const feeds = first + GIANT_FEEDS
  expect(report).toMatchObject({
    tenants: { total: SMALL.tenants + 1, ok: SMALL.tenants + 1 },
    feeds: { total: feeds, new_version: feeds },
    sources: { distinct: feeds, requests: feeds },
    posts: { new: feeds * ITEMS },
  })
  const parts = await app.catalog.kysely
    .selectFrom('run_tenants')
    .select(['tenant_id', 'finished_at'])
    .where('run_id', '=', report.run_id)
    .orderBy('finished_at')
    .execute()
  expect(parts.at(-1)?.tenant_id).toBe(giant.id)
  // Its job stood before all the others: runs are enqueued in the order of their tenants' ids.
  expect(Math.min(...parts.map(part => part.tenant_id))).toBe(giant.id)
  const { giant: content } = await contentOf(installation)
  expect(content?.posts).toHaveLength(GIANT_FEEDS * ITEMS)
}, 120_000)
