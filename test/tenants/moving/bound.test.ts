import { expect, it, onTestFinished } from 'vitest'
import { tenantsByHost } from '../../../src/tenants/hosts/placing.js'
import { moveBack } from '../../../src/tenants/moving/move.js'
import { createTenant } from '../../../src/tenants/provision.js'
import { type Installation, tenantIn, wish } from '../installation.js'
import { describeMoves, keeping, move, OTHER } from './ground.js'

describeMoves('the bound of tenants of a host', open => {
  async function tenantsOfOther({ catalog }: Installation): Promise<number> {
    const { id } = await catalog.hosts.rowOf(OTHER)
    return (await tenantsByHost(catalog)).get(id) ?? 0
  }

  async function bound({ catalog }: Installation, tenants: number | null): Promise<void> {
    await catalog.kysely.updateTable('hosts').set({ max_tenants: tenants }).where('name', '=', OTHER).execute()
  }

  it('is never passed by moves and new tenants that come at the same time', { timeout: 120_000 }, async () => {
    const processes = [await open(), await open()] as const
    const here = processes[0]
    onTestFinished(() => bound(here, null))
    const movers = []
    for (let n = 0; n < 4; n++) movers.push(await tenantIn(here, `racer-${n}`, n % 2 === 0 ? 'shared' : 'dedicated'))
    await bound(here, 2)
    const moves = movers.map(({ slug }, n) => move(processes[n < 2 ? 0 : 1], slug, OTHER))
    const creations = processes.map(({ catalog, prefix }, n) =>
      createTenant(catalog, prefix, { ...wish(`newcomer-${n}`, 'shared'), host: OTHER }, async () => null),
    )
    const ends = await Promise.allSettled([...moves, ...creations])
    const refused = ends.flatMap(end => (end.status === 'rejected' ? [end.reason] : []))
    expect(refused.map(({ code }) => code)).toEqual(['HOST_FULL', 'HOST_FULL', 'HOST_FULL', 'HOST_FULL'])
    expect(await tenantsOfOther(here)).toBe(2)
  })

  it('holds for one that comes back, also while the host drains', async () => {
    const here = await open()
    onTestFinished(() => bound(here, null))
    const [tenant, next] = [await tenantIn(here, 'returner', 'shared'), await tenantIn(here, 'successor', 'shared')]
    await move(here, tenant.slug, OTHER)
    await move(here, tenant.slug, 'default')
    await bound(here, (await tenantsOfOther(here)) + 1)
    await move(here, next.slug, OTHER)
    await expect(moveBack(here.catalog, tenant.slug, keeping())).rejects.toMatchObject({ code: 'HOST_FULL' })
    await bound(here, (await tenantsOfOther(here)) + 1)
    const state = (state: 'open' | 'draining') =>
      here.catalog.kysely.updateTable('hosts').set({ state }).where('name', '=', OTHER).execute()
    await state('draining')
    onTestFinished(async () => void (await state('open')))
    expect(await moveBack(here.catalog, tenant.slug, keeping())).toMatchObject({ outcome: 'moved' })
  })
})
