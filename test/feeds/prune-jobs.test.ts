import { expect, it } from 'vitest'
import { pruneTenantEvents } from '../../src/analytics/prune.js'
import { eachActiveTenant, pruneTenantJob } from '../../src/feeds/prune-jobs.js'
import { pruneTenants } from '../../src/feeds/prune-tenants.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { liftFence } from '../../src/tenants/fence.js'
import { parseSlug, parseTenantId, type TenantId } from '../../src/tenants/ids.js'
import { changeState, getTenant } from '../../src/tenants/tenant.js'
import { fence } from '../tenants/fences.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { post, TenantFeeds } from './sync/tenant-feeds.js'

const NEVER = new AbortController().signal
const DAY_MS = 86_400_000

describeDatabases('the jobs that prune', env => {
  it('are handed every active tenant once, in pages, each when the one before was taken; no paused or hidden one', async () => {
    const { catalog } = await openInstallation(env)
    const rows = Array.from({ length: 2_500 }, (_, index) => ({
      slug: `many-${index}`,
      name: 'Many',
      state: index === 7 ? ('suspended' as const) : ('active' as const),
      placement_id: 1,
      paused_at: index === 8 ? 1 : null,
      created_at: 1,
      updated_at: 1,
    }))
    await insertRows(catalog.database, 'tenants', rows)
    const pages: number[] = []
    const seen = new Set<TenantId>()
    let open = 0
    await eachActiveTenant(catalog, NEVER, async tenants => {
      expect(++open).toBe(1)
      for (const id of tenants) seen.add(id)
      pages.push(tenants.length)
      await new Promise(resolve => setImmediate(resolve))
      open--
    })
    expect([pages, seen.size]).toEqual([[1_000, 1_000, 498], 2_498])
    await expect(
      eachActiveTenant(catalog, AbortSignal.abort(new Error('stop')), async () => expect.fail('a page')),
    ).rejects.toThrow('stop')
    await catalog.kysely.deleteFrom('tenants').where('slug', 'like', 'many-%').execute()
  })

  it('prune one tenant as the settings say, and are calm about one that is suspended or gone', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'acme')
    const feeds = await TenantFeeds.of(here.catalog, tenant)
    const aged = (days: number) => post(`${days} days`, { publishedAt: Date.now() - days * DAY_MS })
    await feeds.store([aged(1), aged(40)], Date.now())
    const prune = (id: TenantId) => pruneTenantJob(here.catalog, id, { keepDays: 30, keepPosts: 0 }, NEVER)
    await changeState(here.catalog, parseSlug('acme'), ['active'], 'suspended')
    await prune(tenant.id)
    await prune(parseTenantId(999_999))
    expect(await feeds.guids()).toHaveLength(2)
    await changeState(here.catalog, parseSlug('acme'), ['suspended'], 'active')
    await expect(
      pruneTenantJob(here.catalog, tenant.id, { keepDays: 30, keepPosts: 0 }, AbortSignal.abort(new Error('stop'))),
    ).rejects.toThrow('stop')
    await prune(tenant.id)
    expect(await feeds.guids()).toEqual(['1 days'])
  })

  it('leave a tenant that a move holds off for another time, before it is pruned and while it is', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'held')
    const feeds = await TenantFeeds.of(here.catalog, tenant)
    await feeds.store([post('old', { publishedAt: Date.now() - 40 * DAY_MS })], Date.now())
    await fence(here.catalog, tenant, 1)
    const handed: TenantId[] = []
    await eachActiveTenant(here.catalog, NEVER, async ids => void handed.push(...ids))
    expect(handed).not.toContain(tenant.id)
    await pruneTenantJob(here.catalog, tenant.id, { keepDays: 30, keepPosts: 0 }, NEVER)
    const retention = { analyticsMinutesDays: 1, analyticsRawDays: 1 }
    expect(await pruneTenantEvents(here.catalog, tenant.id, retention, NEVER)).toEqual({ minutes: 0, events: 0, batches: 0 })
    expect(await feeds.guids()).toEqual(['old'])
    const options = { settings: { keepDays: 30, keepPosts: 0 }, dryRun: false, signal: NEVER, progress: () => {} }
    const pruneMedia = async () => ({ files: 0, bytes: 0 })
    const report = () => pruneTenants({ catalog: here.catalog }, { ...options, tenants: [tenant], pruneMedia })
    expect(await report()).toMatchObject({ tenants: { total: 1, ok: 0, failed: 0, skipped: 1 }, failures: [] })
    await liftFence(here.catalog, tenant, 1)
    expect(await report()).toMatchObject({ tenants: { ok: 1 }, posts: { removed: 1 } })
  })

  it('fail for a tenant whose database is gone while it is active, and for that only', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'lost')
    await here.catalog.server.drop((await getTenant(here.catalog, parseSlug('lost'))).placement.database)
    const prune = () => pruneTenantJob(here.catalog, tenant.id, { keepDays: 30, keepPosts: 0 }, NEVER)
    await expect(prune()).rejects.toMatchObject({ name: 'Failure' })
    await changeState(here.catalog, parseSlug('lost'), ['active'], 'suspended')
    await prune()
  })
})
