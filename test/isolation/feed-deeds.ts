import { unsubscribed } from '../../src/feeds/discovery/first-look.js'
import { explainFeed } from '../../src/feeds/explain.js'
import { feedById, feedPage, hasFeed, listFeeds } from '../../src/feeds/feed-views.js'
import { readPost, readPosts } from '../../src/feeds/read-posts.js'
import { pruneTenant } from '../../src/feeds/retention.js'
import { setRetention, showRetention } from '../../src/feeds/retention-policy.js'
import { registerSources } from '../../src/feeds/sources.js'
import { storeDeliveries } from '../../src/feeds/store.js'
import { addFeeds, type FeedRow, followSource, removeFeed } from '../../src/feeds/subscriptions.js'
import { syncTenant } from '../../src/feeds/sync-tenant.js'
import { deletePosts } from '../../src/feeds/tombstones.js'
import { randomToken, shortHash } from '../../src/kernel/hash.js'
import { tenantContent } from '../../src/tenants/content.js'
import type { SourceId } from '../../src/tenants/ids.js'
import { withTenant } from '../../src/tenants/tables.js'
import { usageOf } from '../../src/tenants/usage.js'
import { openParts } from '../feeds/sync/sync-ground.js'
import { DAY_MS, documentOf, post } from '../feeds/sync/tenant-feeds.js'
import type { Deed, Draw } from './deeds.js'
import type { Side } from './side.js'

export const NOW = Date.UTC(2026, 5, 1)
const SETTINGS = { keepDays: 0, keepPosts: 0 }
const { signal } = new AbortController()

const urlOf = ({ ground }: Side, place: number) => ground.url(`/feed-${place}.xml`)
const catalogOf = ({ ground }: Side) => ground.here.catalog

function feedsOf(side: Side): Promise<FeedRow[]> {
  return withTenant(catalogOf(side), side.tenant, tables => tables.feeds().selectAll().orderBy('id').execute())
}

/** One of its feeds, and a first one where it has none. */
export async function someFeed(side: Side, draw: Draw): Promise<FeedRow> {
  const place = draw(1_000)
  if ((await feedsOf(side)).length === 0)
    await addFeeds(catalogOf(side), side.tenant, [{ url: urlOf(side, place % 4), title: null }])
  const feeds = await feedsOf(side)
  return feeds[place % feeds.length] as FeedRow
}

export async function store(side: Side, feed: FeedRow, posts: Parameters<typeof documentOf>[0], version: string, now: number) {
  const delivery = { feed, version: shortHash(version), document: documentOf(posts, `feed of ${side.mark}`) }
  return withTenant(catalogOf(side), side.tenant, tables => storeDeliveries(tables, [delivery], now))
}

/** The same guids for every tenant, of contents of their own. */
function postOf(side: Side, guid: string, number: number, revision: number) {
  const picture = `<img src="${side.ground.url(`/p${number % 3}.png`)}" />`
  const own = { content: `${picture} ${revision} of ${side.mark}`, title: `title ${number}`, publishedAt: NOW - number * DAY_MS }
  return post(guid, own)
}

export const FEED_DEEDS: Readonly<Record<string, Deed>> = {
  'add feeds': async (side, draw) => {
    const wishes = [draw(4), draw(4)].map(place => ({ url: urlOf(side, place), title: null }))
    return addFeeds(catalogOf(side), side.tenant, wishes)
  },
  'remove a feed': async (side, draw) => {
    const feed = await someFeed(side, draw)
    return removeFeed(catalogOf(side), side.tenant, draw(2) === 0 ? feed.url : String(feed.id))
  },
  'store a document': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const numbers = new Set(Array.from({ length: 1 + draw(6) }, () => draw(9)))
    const revision = draw(3)
    const posts = [...numbers].map(number => postOf(side, `guid ${number}`, number, revision))
    return store(side, feed, posts, `${[...numbers]} ${revision}`, NOW + draw(200) * DAY_MS)
  },
  'store the same entries under other guids': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const numbers = [0, 1, 2, 3, 4, 5]
    const turn = draw(1_000)
    await store(
      side,
      feed,
      numbers.map(number => postOf(side, `guid ${number}`, number, 0)),
      `before ${turn}`,
      NOW,
    )
    const [again] = (await feedsOf(side)).filter(row => row.id === feed.id)
    const posts = numbers.map(number => postOf(side, `${turn} ${number}`, number, 0))
    return again === undefined ? null : store(side, again, posts, `after ${turn}`, NOW)
  },
  'store what was deleted': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const turn = draw(1_000)
    const posts = [20, 21, 22].map(number => postOf(side, `guid ${number}`, number, 0))
    await store(side, feed, posts, `deleted ${turn}`, NOW)
    const ids = await withTenant(catalogOf(side), side.tenant, tables =>
      tables.posts().select('id').where('feed_id', '=', feed.id).where('guid', 'in', ['guid 20', 'guid 21']).execute(),
    )
    const gone = ids.map(row => row.id)
    await withTenant(catalogOf(side), side.tenant, tables => deletePosts(tables, gone, NOW))
    const [again] = (await feedsOf(side)).filter(row => row.id === feed.id)
    // So long after that their tombstones are stamped anew.
    return again === undefined ? null : store(side, again, posts, `again ${turn}`, NOW + 60 * DAY_MS)
  },
  'delete posts': async (side, draw) => {
    const ids = [1 + draw(12), 1 + draw(12)]
    return withTenant(catalogOf(side), side.tenant, tables => deletePosts(tables, ids, NOW))
  },
  'prune posts': async (side, draw) => {
    const settings = [
      { keepDays: 5, keepPosts: 0 },
      { keepDays: 0, keepPosts: 3 },
    ][draw(2)] as typeof SETTINGS
    const options = { settings, now: NOW + draw(3) * DAY_MS, signal, dryRun: draw(3) === 0 }
    return pruneTenant({ catalog: catalogOf(side) }, side.tenant, options)
  },
  'drop old tombstones': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const turn = draw(1_000)
    await store(side, feed, [postOf(side, 'guid 30', 30, 0)], `old ${turn}`, NOW)
    const options = { settings: { keepDays: 1, keepPosts: 0 }, now: NOW, signal }
    await pruneTenant({ catalog: catalogOf(side) }, side.tenant, options)
    const [again] = (await feedsOf(side)).filter(row => row.id === feed.id)
    if (again !== undefined) await store(side, again, [postOf(side, 'guid 31', 31, 0)], `new ${turn}`, NOW + 400 * DAY_MS)
    return pruneTenant({ catalog: catalogOf(side) }, side.tenant, { settings: SETTINGS, now: NOW, signal })
  },
  'follow a source': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const other = await someFeed(side, draw)
    const url = draw(2) === 0 ? other.url : urlOf(side, 4 + draw(3))
    const [id] = (await registerSources(catalogOf(side), [url])).values()
    return withTenant(catalogOf(side), side.tenant, tables => followSource(tables, feed.id, { id: id as SourceId, url }))
  },
  'become one feed with another, posts and tombstones and all': async (side, draw) => {
    const wishes = [0, 1].map(place => ({ url: urlOf(side, place), title: null }))
    await addFeeds(catalogOf(side), side.tenant, wishes)
    const [one, two] = await feedsOf(side)
    if (one === undefined || two === undefined) return null
    const turn = draw(1_000)
    const both = [40, 41].map(number => postOf(side, `guid ${number}`, number, 0))
    await store(side, one, [...both, postOf(side, 'guid 42', 42, 0), postOf(side, 'guid 43', 43, 0)], `one ${turn}`, NOW)
    await store(side, two, both, `two ${turn}`, NOW)
    const buried = await withTenant(catalogOf(side), side.tenant, tables =>
      tables.posts().select('id').where('feed_id', '=', one.id).where('guid', '=', 'guid 43').execute(),
    )
    const ids = buried.map(row => row.id)
    await withTenant(catalogOf(side), side.tenant, tables => deletePosts(tables, ids, NOW))
    const source = { id: two.source_id as SourceId, url: two.url }
    return withTenant(catalogOf(side), side.tenant, tables => followSource(tables, one.id, source))
  },
  'set and show what is kept': async (side, draw) => {
    const feed = await someFeed(side, draw)
    await setRetention(catalogOf(side), side.tenant, String(feed.id), { keepDays: 100 + draw(5) })
    const shown = await showRetention(catalogOf(side), SETTINGS, side.tenant, null)
    return [shown, await showRetention(catalogOf(side), SETTINGS, side.tenant, feed.url)]
  },
  'sync, from a publisher who has nothing': async side => {
    const scope = { runId: randomToken(), startedAt: Date.now(), forced: true }
    await syncTenant(openParts(side.ground.here), side.tenant, { scope, after: 0, atMost: 10 }, signal)
    // What is asked, and what is known already, is shared by all tenants.
    return null
  },
  'look at feeds': async (side, draw) => {
    const feed = await someFeed(side, draw)
    const [catalog, { tenant }] = [catalogOf(side), side]
    const id = draw(8)
    const isThere = await withTenant(catalog, tenant, tables => hasFeed(tables, id))
    const page = await feedPage(catalog, tenant, { after: draw(3), limit: 2 })
    const { feed: explained } = await explainFeed(catalog, tenant, String(feed.id), NOW)
    const urls = await unsubscribed(catalog, tenant, [urlOf(side, 0), urlOf(side, 1)])
    const ids = (await listFeeds(catalog, tenant)).map(each => [each.id, each.url, each.title])
    return [isThere, page.feeds.map(each => each.id), explained, urls, ids, (await feedById(catalog, tenant, id))?.url]
  },
  'read posts': async (side, draw) => {
    const filter = { feed: draw(2) === 0 ? null : draw(4), since: null, until: null, text: draw(2) === 0 ? null : 'title 1' }
    const id = draw(20)
    return withTenant(catalogOf(side), side.tenant, async tables => [
      await readPosts(tables, { after: null, limit: 5, content: true, ...filter }),
      await readPost(tables, id),
    ])
  },
  'count what it has': async side => {
    const usage = await withTenant(catalogOf(side), side.tenant, tables => usageOf(tables, NOW))
    return [usage, await tenantContent(catalogOf(side), side.tenant)]
  },
}
