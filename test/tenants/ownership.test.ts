import { expect, it } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { createTenant } from '../../src/tenants/provision.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import { changeState, getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, openInstallation, removing, tenantIn, wish } from './installation.js'

describeDatabases('whose a database is', env => {
  it('never gives a tenant the database of another, whatever the prefix, and removes neither with the other', async () => {
    const here = await openInstallation(env)
    const first = await tenantIn(here, 'x-yy')
    const second = createTenant(here.catalog, `${here.prefix}x_`, wish('yy'), async () => null)
    await expect(second).rejects.toMatchObject({ code: 'DATABASE_TAKEN' })
    await expect(getTenant(here.catalog, parseSlug('yy'))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    expect(await here.catalog.server.has(first.placement.database)).toBe(true)
    expect((await getTenant(here.catalog, first.slug)).state).toBe('active')
  })

  it('brings no tenant back whose removal has begun', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'half-gone')
    await markDeleted(here.catalog, tenant.slug, Date.now())
    await here.catalog.kysely.updateTable('tenants').set({ delete_after: 0 }).where('slug', '=', tenant.slug).execute()
    await expect(changeState(here.catalog, tenant.slug, ['suspended', 'deleting'], 'active')).rejects.toMatchObject({
      code: 'TENANT_WRONG_STATE',
    })
    expect(await removeTenant(here.catalog, tenant.slug, removing())).toMatchObject({ slug: 'half-gone', feeds: 0 })
  })
})
