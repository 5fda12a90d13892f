import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { expect, it } from 'vitest'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { isFailure } from '../../src/kernel/errors.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { receiptsOf } from '../../src/tenants/removal/receipts.js'
import { countRows } from '../../src/tenants/removal/rows.js'
import { markDue, removeTenant } from '../../src/tenants/removal.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'

const SCRIPT = fileURLToPath(new URL('removal-cut-process.js', import.meta.url))
const AT_ONCE = 3

describeDatabases('the removal of a tenant whose process is killed', env => {
  const furnished = async (here: Installation, slug: string, placement: 'dedicated' | 'shared') => {
    const tenant = await tenantIn(here, slug, placement)
    const feeds = await TenantFeeds.of(here.catalog, tenant)
    await feeds.store([post('one'), post('two'), post('three')], 1)
    await addFeeds(here.catalog, tenant, [{ url: 'https://second.example/', title: null }])
    return tenant
  }
  const cut = (slug: string, killAfter: number) =>
    new Promise<{ killed: boolean; out: string }>((resolve, reject) => {
      execFile(process.execPath, [SCRIPT, JSON.stringify({ env, slug, killAfter })], { env: {} }, (error, out, err) => {
        const killed = error?.signal === 'SIGKILL'
        if (error !== null && !killed) reject(new Error(err))
        else resolve({ killed, out })
      })
    })
  /** What the same command does. */
  const goOn = async ({ catalog }: Installation, { slug }: Tenant) => {
    try {
      await markDue(catalog, slug)
      await removeTenant(catalog, slug, removing())
    } catch (error) {
      if (!isFailure(error, 'TENANT_NOT_FOUND')) throw error
    }
  }
  const rowsOf = async ({ catalog }: Installation, tenant: Tenant) =>
    Object.values(await withTenant(catalog, tenant, countRows)).reduce((sum, rows) => sum + rows, 0)

  it.each([
    'dedicated',
    'shared',
  ] as const)('after any of its statements is gone on with: nothing is left, and one receipt tells of all (%s)', {
    timeout: 300_000,
  }, async placement => {
    const here = await openInstallation(env)
    const neighbour = await furnished(here, `stays-${placement}`, placement)
    const rows = await rowsOf(here, neighbour)
    const whole = await furnished(here, `whole-${placement}`, placement)
    const { killed, out } = await cut(whole.slug, 0)
    const statements = Number(out)
    expect([killed, statements > 15]).toEqual([false, true])
    const checkCut = async (killAfter: number) => {
      const tenant = await furnished(here, `cut-${placement}-${killAfter}`, placement)
      expect((await cut(tenant.slug, killAfter)).killed, `statement ${killAfter}`).toBe(true)
      await goOn(here, tenant)
      const receipts = await receiptsOf(here.catalog, String(tenant.id))
      expect(receipts, `statement ${killAfter}`).toEqual([
        expect.objectContaining({ id: tenant.id, feeds: 2, posts: 3, sources: 2, removedAt: expect.any(Number) }),
      ])
      await expect(getTenant(here.catalog, parseSlug(tenant.slug))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
      if (placement === 'shared') expect(await rowsOf(here, tenant), `statement ${killAfter}`).toBe(0)
      else expect(await here.catalog.server.has(tenant.placement.database), `statement ${killAfter}`).toBe(false)
    }
    const limit = pLimit(AT_ONCE)
    await Promise.all(Array.from({ length: statements }, (_, index) => limit(() => checkCut(index + 1))))
    expect(await rowsOf(here, neighbour)).toBe(rows)
  })
})
