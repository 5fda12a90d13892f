import type { Updateable } from 'kysely'
import { beforeEach, expect, it } from 'vitest'
import { explainFeed } from '../../src/feeds/explain.js'
import { nextCheck, writeReasons } from '../../src/feeds/schedule.js'
import { addFeeds, listFeeds } from '../../src/feeds/subscriptions.js'
import type { CatalogSchema } from '../../src/tenants/databases/index.js'
import { withTenant } from '../../src/tenants/tables.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../tenants/installation.js'

const NOW = Date.UTC(2026, 6, 1, 12)
const [A, B] = ['https://a.example/feed', 'https://b.example/feed']

describeDatabases('the explanation of a feed', env => {
  let here: Installation
  let tenant: Tenant
  let neighbour: Tenant
  let made = 0
  beforeEach(async () => {
    here = await openInstallation(env)
    made++
    tenant = await tenantIn(here, `acme-${made}`, 'shared')
    neighbour = await tenantIn(here, `acme-${made}-2`, 'shared')
    for (const url of [A, B])
      await write(url, {
        checked_at: null,
        changed_at: null,
        next_check_at: 0,
        next_check_why: null,
        failure_code: null,
        retired_at: null,
        moved_to: null,
        merged_into: null,
        notices: null,
        version: null,
        host: null,
      })
    await addFeeds(here.catalog, neighbour, [{ url: B, title: null }], { maxFeeds: 100 })
    await addFeeds(here.catalog, tenant, [{ url: A, title: 'A' }], { maxFeeds: 100 })
  })

  const write = (url: string, changes: Updateable<CatalogSchema['sources']>) =>
    here.catalog.kysely.updateTable('sources').set(changes).where('url', '=', url).execute()
  const explain = (named = A, whose = tenant) => explainFeed(here.catalog, whose, named, NOW)

  it('of one never asked is that it is due', async () => {
    const { feed, source, next } = await explain()
    expect(feed).toEqual({ id: 1, url: A, title: 'A', posts: 0, storedAt: null, upToDate: true, alert: null })
    expect(source).toMatchObject({
      url: A,
      host: 'a.example',
      state: 'new',
      checkedAt: null,
      outcome: null,
      failure: null,
      notices: [],
    })
    expect(next).toEqual({ at: null, due: true, reasons: [] })
  })

  it('has every reason of the next check', async () => {
    const rhythm = { ttlMinutes: 90, updateMinutes: null, skipHours: [], skipDays: [], postIntervalMs: null }
    const facts = {
      outcome: 'unchanged',
      failureCount: 0,
      code: null,
      retryAfterS: null,
      cacheMaxAgeS: 60,
      rhythm,
      unchangedSinceMs: 1,
      now: NOW,
    } as const
    const { atMs, reasons } = nextCheck(facts, 0.5)
    await write(A, {
      checked_at: NOW - 1,
      changed_at: NOW - 5,
      next_check_at: atMs ?? 0,
      next_check_why: writeReasons(reasons),
    })
    const { next, source } = await explain('1')
    expect(next).toEqual({ at: NOW + 94.5 * 60_000, due: false, reasons })
    expect([source.state, source.outcome]).toEqual(['active', 'unchanged'])
  })

  it.each<[string, Updateable<CatalogSchema['sources']>, object, object]>([
    [
      'with a new version',
      { checked_at: NOW, changed_at: NOW, next_check_at: NOW + 1 },
      { state: 'active', outcome: 'new-version' },
      { at: NOW + 1, due: false },
    ],
    ['that is overdue', { checked_at: NOW - 9, next_check_at: NOW - 3 }, { state: 'active' }, { at: NOW - 3, due: true }],
    [
      'that fails',
      { checked_at: NOW, next_check_at: NOW + 5, failure_code: 'FEED_TIMEOUT', failure_message: 'slow', failure_count: 4 },
      { state: 'failing', outcome: 'failed', failure: { code: 'FEED_TIMEOUT', message: 'slow', count: 4 } },
      { due: false },
    ],
    [
      'that is gone for good',
      { checked_at: NOW, retired_at: NOW, failure_code: 'FEED_GONE', next_check_at: NOW },
      { state: 'retired', retiredAt: NOW },
      { at: null, due: false },
    ],
    [
      'that moves',
      { checked_at: NOW, moved_to: B, moved_count: 2, next_check_at: NOW + 5 },
      { state: 'moving', movedTo: B, movedCount: 2 },
      { due: false },
    ],
    [
      'of which not all was kept',
      { checked_at: NOW, notices: '[{"code":"POSTS_CUT","message":"m"}]' },
      { notices: [{ code: 'POSTS_CUT', message: 'm' }] },
      {},
    ],
  ])('of one %s', async (_what, row, source, next) => {
    await write(A, row)
    expect(await explain()).toMatchObject({ source, next })
    const [standing] = await listFeeds(here.catalog, tenant)
    if ('state' in source) expect(standing?.state).toBe(source.state)
  })

  it('of one whose source turned out to be another is that one', async () => {
    const other = await here.catalog.kysely.selectFrom('sources').select('id').where('url', '=', B).executeTakeFirstOrThrow()
    await write(B, { checked_at: NOW, next_check_at: NOW + 7 })
    await write(A, { merged_into: other.id })
    expect(await explain()).toMatchObject({ feed: { url: A }, source: { url: B, state: 'active' }, next: { at: NOW + 7 } })
    expect(await listFeeds(here.catalog, tenant)).toMatchObject([{ state: 'merged' }])
  })

  it("counts the feed's own posts, and says when a newer version waits", async () => {
    await write(A, { version: 'x'.repeat(22), checked_at: NOW })
    await withTenant(here.catalog, tenant, tables =>
      tables.transaction(tx =>
        tx.insert(
          'posts',
          [7, 8, 9].map(id => ({
            id,
            feed_id: id === 9 ? 2 : 1,
            guid: `${id}`,
            guid_hash: `${id}`.padEnd(22, 'g'),
            content_hash: 'c'.repeat(22),
            url: null,
            title: '',
            author: null,
            published_at: null,
            updated_at: null,
            content: '',
            categories: '[]',
            image: null,
            enclosures: '[]',
            created_at: 1,
            changed_at: 1,
          })),
          'keep',
        ),
      ),
    )
    expect((await explain()).feed).toMatchObject({ posts: 2, upToDate: false })
  })

  it("is refused for what the tenant has not, the neighbour's feeds among it", async () => {
    for (const named of [B, '77', 'https://never.example/', 'nonsense'])
      await expect(explain(named)).rejects.toMatchObject({ code: 'FEED_NOT_FOUND', hint: `feedctl feed list ${tenant.slug}` })
    expect((await explain(B, neighbour)).feed.url).toBe(B)
  })
})
