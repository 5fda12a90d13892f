import { beforeAll, expect, it } from 'vitest'
import { Interruption } from '../../src/cli/interruption.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { startPublisher } from '../e2e/publisher.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, openInstallation } from '../tenants/installation.js'

const DAY_MS = 86_400_000

describeDatabases('feedctl feed retention and prune', env => {
  const cli = (...argv: string[]) => runCli(argv, { env })
  const json = async (...argv: string[]) => JSON.parse((await cli(...argv, '--json')).out)
  const policy = async (...argv: string[]) => (await json('feed', 'retention', ...argv)).keep
  const asSettings = { days: 0, days_from: 'settings', posts: 0, posts_from: 'settings' }
  beforeAll(async () => {
    await cli('init')
  })
  /** A tenant with a feed of posts that are 1, 40 and 400 days old. */
  const furnish = async (slug: string) => {
    await cli('tenant', 'create', slug, '--placement', 'shared')
    const { catalog } = await openInstallation(env)
    const feeds = await TenantFeeds.of(catalog, await getTenant(catalog, parseSlug(slug)))
    const aged = (days: number) => post(`${days} days`, { publishedAt: Date.now() - days * DAY_MS })
    await feeds.store([aged(1), aged(40), aged(400)], Date.now())
    return feeds
  }

  it('retention shows what counts and who says so, and sets it for the tenant and for a feed', async () => {
    const feeds = await furnish('shows')
    const { url } = await feeds.feed()
    expect(await json('feed', 'retention', 'shows')).toEqual({ tenant: 'shows', feed: null, keep: asSettings, feeds: [] })
    expect(await policy('shows', '--days', '90')).toEqual({ ...asSettings, days: 90, days_from: 'tenant' })
    expect(await policy('shows', url, '--posts', '10')).toEqual({ days: 90, days_from: 'tenant', posts: 10, posts_from: 'feed' })
    expect(await json('feed', 'retention', 'shows')).toEqual({
      tenant: 'shows',
      feed: null,
      keep: { ...asSettings, days: 90, days_from: 'tenant' },
      feeds: [{ id: 1, url, keep_days: null, keep_posts: 10 }],
    })
    expect((await cli('feed', 'retention', 'shows')).out).toBe(
      [
        'shows',
        '  age    pruned after 90 days, even those that the feed still lists (set for the tenant)',
        '  count  kept however many (FEEDCTL_KEEP_POSTS)',
        '',
        'Feeds with a policy of their own (- is as above):',
        `ID  ${'URL'.padEnd(url.length)}  DAYS  POSTS`,
        ` 1  ${url}     -     10`,
        '',
      ].join('\n'),
    )
    expect(await policy('shows', '1', '--keep-all')).toEqual({ days: 0, days_from: 'feed', posts: 0, posts_from: 'feed' })
    expect(await policy('shows', '1', '--default')).toMatchObject({ days: 90, posts_from: 'settings' })
    expect(await policy('shows', '--default')).toEqual(asSettings)
    const { out } = await runCli(['feed', 'retention', 'shows', '--json'], { env: { ...env, FEEDCTL_KEEP_DAYS: '30' } })
    expect(JSON.parse(out).keep).toEqual({ ...asSettings, days: 30 })
  })

  it.each<[string[], number, string]>([
    [['feed', 'retention', 'refuses', '--days', '1', '--keep-all'], 2, 'USAGE'],
    [['feed', 'retention', 'refuses', '--default', '--keep-all'], 2, 'USAGE'],
    [['feed', 'retention', 'refuses', '--days', '-1'], 2, 'USAGE'],
    [['feed', 'retention', 'refuses', '99', '--days', '1'], 4, 'FEED_NOT_FOUND'],
    [['feed', 'retention', 'nobody'], 4, 'TENANT_NOT_FOUND'],
    [['feed', 'prune'], 2, 'USAGE'],
    [['feed', 'prune', 'refuses', '--all'], 2, 'USAGE'],
    [['feed', 'prune', 'refuses', 'nobody'], 4, 'TENANT_NOT_FOUND'],
  ])('%j is refused, and changes nothing', async (argv, exit, code) => {
    await cli('tenant', 'create', 'refuses', '--placement', 'shared')
    expect(await cli(...argv)).toMatchObject({ exit, out: '', err: expect.stringContaining(`(${code})`) })
    expect(await policy('refuses')).toEqual(asSettings)
  })

  it('prune counts on a dry run, then removes the same, then nothing, and not the neighbour’s', async () => {
    const [feeds, neighbour] = [await furnish('prunes'), await furnish('prunes-2')]
    await cli('feed', 'retention', 'prunes', '--days', '30')
    const removed = (posts: number, dryRun: boolean) => ({
      dry_run: dryRun,
      tenants: { total: 1, ok: 1, failed: 0, skipped: 0 },
      posts: { removed: posts },
      tombstones: { dropped: 0 },
      media: { removed: 0, bytes: 0 },
      pruned: posts === 0 ? [] : [{ tenant: 'prunes', posts }],
      failures: [],
      duration_ms: expect.any(Number),
    })
    expect(await json('feed', 'prune', 'prunes', '--dry-run')).toEqual(removed(2, true))
    expect((await cli('feed', 'prune', 'prunes', '--dry-run')).out).toContain('would remove 2 posts of 1 tenant in ')
    expect(await json('feed', 'prune', 'prunes')).toEqual(removed(2, false))
    expect(await json('feed', 'prune', 'prunes')).toEqual(removed(0, false))
    expect([await feeds.guids(), (await neighbour.guids()).length]).toEqual([['1 days'], 3])
  })

  it('prune --all takes every active tenant, follows the settings, and is silent under --quiet', async () => {
    const feeds = await furnish('all')
    const keeping = { ...env, FEEDCTL_KEEP_POSTS: '1' }
    const { exit, out, err } = await runCli(['feed', 'prune', '--all', '--quiet'], { env: keeping })
    expect([exit, out, err, await feeds.guids()]).toEqual([0, '', '', ['1 days']])
  })

  it('prune --all gives way to another, which it names', async () => {
    const { catalog } = await openInstallation(env)
    await withLock(catalog, 'feed prune --all', async () => {
      expect(await cli('feed', 'prune', '--all')).toMatchObject({ exit: 7, err: expect.stringContaining('(LOCKED)') })
      expect((await cli('feed', 'prune', '--all', '--dry-run')).exit).toBe(0)
    })
  })

  it('prune calls --ping-url before and after, or says that it failed, and does nothing when it is no URL', async () => {
    const feeds = await furnish('pings')
    await cli('feed', 'retention', 'pings', '--posts', '1')
    await using watcher = await startPublisher((_path, response) => response.end())
    const { asked } = watcher
    const prune = (slug: string, url = watcher.urlOf('/abc?rid=7')) => cli('feed', 'prune', slug, '--ping-url', url)
    expect(await prune('pings', 'ftp://x')).toMatchObject({ exit: 2, out: '' })
    expect([asked, (await feeds.guids()).length]).toEqual([[], 3])
    expect((await prune('pings')).exit).toBe(0)
    expect([asked.splice(0), await feeds.guids()]).toEqual([['/abc/start?rid=7', '/abc?rid=7'], ['1 days']])
    expect((await prune('nobody')).exit).toBe(4)
    expect(asked).toEqual(['/abc/start?rid=7', '/abc/fail?rid=7'])
  })

  it('prune that is interrupted says what it did', async () => {
    await furnish('stopped')
    const stop = AbortSignal.abort(new Interruption('SIGINT'))
    const { exit, out } = await runCli(['feed', 'prune', 'stopped', '--json'], { env, signal: stop })
    expect(exit).toBe(130)
    expect(JSON.parse(out).tenants).toEqual({ total: 1, ok: 0, failed: 0, skipped: 1 })
  })

  it('prune of a tenant whose database is gone is PARTIAL, and does the others', async () => {
    const feeds = await furnish('whole')
    await cli('tenant', 'create', 'gone', '--placement', 'dedicated')
    const here = await openInstallation(env)
    await here.catalog.server.drop((await getTenant(here.catalog, parseSlug('gone'))).placement.database)
    await cli('feed', 'retention', 'whole', '--posts', '1')
    const { exit, out } = await cli('feed', 'prune', 'gone', 'whole', '--json')
    expect(exit).toBe(6)
    expect(JSON.parse(out)).toMatchObject({ tenants: { ok: 1, failed: 1 }, posts: { removed: 2 } })
    expect(await feeds.guids()).toEqual(['1 days'])
  })
})
