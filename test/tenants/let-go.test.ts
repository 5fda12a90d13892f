import { expect, it } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { newHolder } from '../../src/kernel/holder.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { claimTenants } from '../../src/tenants/claim.js'
import { letGo } from '../../src/tenants/end-claim.js'
import { makeTables, makingOf } from '../../src/tenants/making.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, openInstallation, tenantIn, wish } from './installation.js'
import { onServer, serverWith } from './servers.js'

describeDatabases('a creation that is let go after a refusal', env => {
  const refusal = new Failure('URL_INVALID', 'no')
  /** As when so much time passes before the deed on the server that another process takes the tenant up, and finishes it. */
  const late = async (slug: string, placement: 'dedicated' | 'shared') => {
    const here = await openInstallation(env)
    const holder = newHolder()
    const [claimed] = await claimTenants(here.catalog, here.prefix, [wish(slug, placement)], holder)
    if (claimed === undefined) throw new Error('nothing was claimed')
    const one = makingOf(claimed)
    await makeTables(here.catalog, one, false)
    let taken = 0
    const take = async () => {
      if (taken++ > 0) return
      await here.catalog.kysely.updateTable('tenants').set({ claimed_by: null }).where('slug', '=', slug).execute()
      await tenantIn(here, slug, placement)
    }
    return { here, holder, one, take, taken: () => taken }
  }
  const expectWhole = async (catalog: Catalog, slug: string) => {
    const tenant = await getTenant(catalog, wish(slug).slug)
    expect([tenant.state, tenant.schemaVersion > 0]).toEqual(['active', true])
    const posts = withTenant(catalog, tenant, tables => tables.transaction(tx => tx.takeIds('posts', 1)))
    expect(Number(await posts)).toBeGreaterThan(0)
  }

  it('takes nothing from another that has finished it while its database was looked at', async () => {
    const { here, holder, one, take, taken } = await late('looked-at', 'dedicated')
    const server = serverWith(here.catalog.server, {
      has: async name => {
        await take()
        return here.catalog.server.has(name)
      },
    })
    await letGo(onServer(here.catalog, server), one.tenant, holder, one, refusal)
    expect(taken()).toBe(1)
    await expectWhole(here.catalog, 'looked-at')
  })

  it('takes nothing from another that has finished it while it left a shared database', async () => {
    const { here, holder, one, take, taken } = await late('leaving', 'shared')
    const server = serverWith(here.catalog.server, {
      use: async (...use) => {
        await here.catalog.server.use(...use).catch(() => {})
        await take()
        throw refusal
      },
    })
    await letGo(onServer(here.catalog, server), one.tenant, holder, one, refusal)
    expect(taken()).toBe(1)
    await expectWhole(here.catalog, 'leaving')
  })

  it('is nobody’s after an outage, so that the same command finishes it', async () => {
    const here = await openInstallation(env)
    const holder = newHolder()
    const [claimed] = await claimTenants(here.catalog, here.prefix, [wish('outage')], holder)
    if (claimed === undefined) throw new Error('nothing was claimed')
    await letGo(here.catalog, claimed, holder, makingOf(claimed), new Failure('UNAVAILABLE', 'the host is away'))
    const claims = here.catalog.kysely.selectFrom('tenants').select(['state', 'claimed_by', 'claimed_at'])
    expect(await claims.where('id', '=', claimed.id).execute()).toEqual([
      { state: 'provisioning', claimed_by: null, claimed_at: null },
    ])
    expect((await tenantIn(here, 'outage')).state).toBe('active')
  })
})
